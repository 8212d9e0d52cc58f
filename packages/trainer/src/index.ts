export { assembleBatch, type Batch, batchSpecs, type CropBatch, stackBatches } from './batch';
export { type CropSource, imageCrops, type Share, type SourcedBatch } from './crop-source';
export type { MetricsLine } from './metrics-log';
export type { DinoConfig, HeadSizes, IbotConfig, OptimizerConfig, TeacherConfig, TrainerConfig } from './config';
export { imagesPerStep } from './config';
export { drawStudent } from './draw-student';
export { TrainerError } from './errors';
export { backboneGroup, headGroup, type ParameterGroup } from './parameter-groups';
export { cosineSchedule, createSchedules, type Schedule, scaledLearningRate, type Schedules } from './schedules';
export { runHolder } from './run-lock';
export {
  type ArraySpec,
  type Centres,
  initialState,
  initialStudent,
  type Model,
  readArrays,
  stateSharding,
  stateSpecs,
  type SubmoduleName,
  type Submodules,
  type TrainingState,
} from './state';
export { compileOptions, createStep, metricNames, type StepFunctions, type StepOptions, type StepResult, type Sums } from './step';
export { createTrainer, type Evaluation, type Trainer, type TrainerOptions } from './trainer';
export type { StepScalars } from './update';
