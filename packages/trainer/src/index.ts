export { assembleBatch, type Batch, type CropBatch } from './batch';
export type { DinoConfig, HeadSizes, IbotConfig, OptimizerConfig, TeacherConfig, TrainerConfig } from './config';
export { TrainerError } from './errors';
export { backboneGroup, headGroup, type ParameterGroup } from './parameter-groups';
export { cosineSchedule, createSchedules, type Schedule, scaledLearningRate, type Schedules } from './schedules';
export { type Centres, initialState, initialStudent, type Model, type SubmoduleName, type Submodules, type TrainingState } from './state';
export { createStep, metricNames, type StepFunctions, type StepResult, type Sums } from './step';
export type { StepScalars } from './update';
