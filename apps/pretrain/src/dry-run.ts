import { bytes, duration, pickEngine, si } from '@dinov2/app-kit';
import { openSource } from '@dinov2/data';
import { type Engine, flattenTree, jit, type JitOptions, type MemoryReport, meshSize, type PrecisionPolicy } from '@dinov2/jit';
import { linear } from '@dinov2/primitives';
import { type ArraySpec, batchSpecs, compileOptions, createStep, imagesPerStep, metricNames, stateSpecs, type StepScalars, type Sums, type TrainerConfig, type TrainingState } from '@dinov2/trainer';
import { parameterCount, parameterShapes } from '@dinov2/vit';
import type * as tf from '@tensorflow/tfjs-core';
import { describeInitialization } from './config/describe-initialization';
import type { Initialization } from './config/initialization';
import type { Settings } from './config/schema';
import { modelName, trainerConfig, withShards } from './config/trainer-config';
import { RunFolder } from './run/run-folder';

/** Share of the matrix-product rate that a whole step is taken to reach. */
const STEP_EFFICIENCY = 0.7;

interface Planned {
  readonly settings: Settings;
  readonly note?: string;
  readonly initialization?: Initialization;
}

/** Say what a run would be: model, cost of a step, memory and time. Reads no image, draws no weight. */
export async function dryRun({ settings: asked, note, initialization }: Planned): Promise<string> {
  trainerConfig(asked, initialization);
  const images = asked.data === null ? undefined : openSource(asked.data).paths.length;
  const { engine, precision, reason } = await pickEngine(asked);
  const settings = withShards(asked, engine, asked.out === null ? null : new RunFolder(asked.out).shards());
  const config = trainerConfig(settings, initialization);
  const compiling = compileOptions(config, engine, precision);
  const spec = { shape: [] as number[], dtype: 'float32' as const };
  const frozenSteps = config.optimizer.freezeBackboneIterations ?? 0;
  const scalars: StepScalars<typeof spec> = {
    learningRate: spec,
    lastLayerLearningRate: spec,
    weightDecay: spec,
    teacherMomentum: spec,
    teacherTemperature: spec,
    correction1: spec,
    correction2: spec,
    ...(precision.scalesLoss && { lossScale: spec }),
    ...(frozenSteps > 0 && { backbone: { learningRate: spec, correction1: spec, correction2: spec } }),
  };
  const functions = createStep(config);
  const state = stateSpecs(config, engine.mesh);
  const batch = batchSpecs(config);
  const sums = settings.accumulationSteps > 1 ? sumsSpecs(state) : undefined;
  const step = jit(functions.trainStep, { ...compiling, donate: [0, 1, 2] });
  const accumulate = jit(functions.accumulateStep, { ...compiling, donate: [1, 2] });
  const traced = performance.now();
  const last = await step.compile(state, sums, batch, scalars);
  const { student, teacher, centres, m, v } = state;
  // The step of every batch but the last, with sums there already: the first of them needs less.
  const earlier = sums && (await accumulate.compile({ student, teacher, centres }, sums, batch, scalars));
  const compileSeconds = (performance.now() - traced) / 1000;
  // Moments lie idle while gradients are accumulated.
  const memory = larger(needs(last.memory, 0), earlier && needs(earlier.memory, specBytes({ m, v })));
  const flops = last.cost.flops + (earlier?.cost.flops ?? 0) * (settings.accumulationSteps - 1);
  const devices = engine.mesh === undefined ? 1 : meshSize(engine.mesh);
  const rate = await matmulRate(engine, precision);
  const perStep = imagesPerStep(config);
  const seconds = flops / (devices * rate * STEP_EFFICIENCY);
  const frozenFlops = frozenSteps > 0 ? costWhileFrozen(config, compiling, { state, batch, scalars }) : 0;
  const frozenSeconds = frozenFlops / (devices * rate * STEP_EFFICIENCY);
  const parameters = Object.values(stateSpecs(config).student).reduce(
    (sum, record) => sum + parameterCount(Object.fromEntries(Object.entries(record).map(([name, { shape }]) => [name, shape]))),
    0,
  );
  const rows: [string, string][] = [
    ['model', `${modelName(config.model)}, ${si(parameterCount(parameterShapes(config.model)))} parameters; ${si(parameters)} with heads, four copies in a run`],
    ...(initialization === undefined ? [] : describeInitialization(initialization, config)),
    ['data', images === undefined ? 'none named (--data)' : `${images} images in ${settings.data}`],
    ['engine', `${engine.info.name} (${engine.info.runtime}) on ${engine.info.device}, ${precision.name}: ${reason}`],
    ['step', `${perStep} images, ${si(flops)}FLOP, ${last.cost.nodes} kernels; traced and compiled in ${short(compileSeconds)}`],
    ...(frozenSteps === 0 ? [] : [['', `${si(frozenFlops)}FLOP and ${short(frozenSeconds)} in each of the ${frozenSteps} with the backbone frozen`] as [string, string]]),
    ['memory', `${bytes(memory.kept + memory.temporary)}${engine.mesh === undefined ? '' : ' on each device'}: ${bytes(memory.kept)} ${sums === undefined ? 'state and batch' : 'state, gradient sums and batch'}, ${bytes(memory.temporary)} while a step runs`],
    ['speed', `${si(rate)}FLOP/s in a matrix product here${devices === 1 ? '' : `, on each of ${devices} devices`}; at ${100 * STEP_EFFICIENCY} % of it ${(perStep / seconds).toPrecision(2)} images/s, ${short(seconds)} a step`],
    ['time', `${duration(frozenSeconds * frozenSteps + seconds * (settings.iterations - frozenSteps))} for ${settings.iterations} steps (evaluation and report not counted)`],
  ];
  if (note !== undefined) rows.push(['batch', note]);
  step.dispose();
  accumulate.dispose();
  await engine.dispose();
  return rows.map(([name, text]) => `${name.padEnd(8)} ${text}`).join('\n');
}

const short = (seconds: number): string => (seconds < 10 ? `${seconds.toPrecision(2)} s` : duration(seconds));

/** Floating-point operations of a step in which only the heads learn. */
function costWhileFrozen(
  config: TrainerConfig,
  compiling: JitOptions,
  { state, batch, scalars }: { state: TrainingState<ArraySpec>; batch: ReturnType<typeof batchSpecs>; scalars: StepScalars<ArraySpec> },
): number {
  const { trainStep, accumulateStep } = createStep(config, { backboneFrozen: true });
  const { backbone: _, ...heads } = state.student;
  const sums = config.accumulationSteps > 1 ? { ...sumsSpecs(state), gradients: heads } : undefined;
  const { student, teacher, centres } = state;
  const earlier = sums && jit(accumulateStep, compiling).lower({ student, teacher, centres }, sums, batch, scalars);
  const last = jit(trainStep, compiling).lower(state, sums, batch, scalars);
  return last.cost.flops + (earlier?.cost.flops ?? 0) * (config.accumulationSteps - 1);
}

/** Shapes of what the batches of one step are added up in. */
function sumsSpecs({ student, centres }: TrainingState<ArraySpec>): Sums<ArraySpec> {
  // The sums are the metrics of a step up to its loss.
  return { gradients: student, centres, metrics: { shape: [metricNames([]).indexOf('loss')], dtype: 'float32' } };
}

interface Needs {
  /** Bytes held between steps. */
  readonly kept: number;
  /** Bytes on top of them while one runs. */
  readonly temporary: number;
}

const needs = ({ inputs, outputs, temporary }: MemoryReport, idle: number): Needs => ({ kept: inputs + outputs + idle, temporary });

const larger = (a: Needs, b: Needs | undefined): Needs => (b !== undefined && b.kept + b.temporary > a.kept + a.temporary ? b : a);

function specBytes(tree: object): number {
  const { leaves } = flattenTree<object, ArraySpec>(tree);
  return leaves.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
}

/** Floating-point operations per second of a 1024³ matrix product on each device of the engine, best of some. */
async function matmulRate(engine: Engine, precision: PrecisionPolicy): Promise<number> {
  const side = 1024;
  const multiply = jit((a: tf.Tensor2D, b: tf.Tensor2D) => linear(a, b), { engine, precision });
  const host = new Float32Array(side * side).fill(1);
  const a = engine.put(host, [side, side], 'float32');
  const b = engine.put(host, [side, side], 'float32');
  let best = Infinity;
  const began = performance.now();
  for (let run = 0; run < 6 && performance.now() - began < 4000; run++) {
    // A plain call may end before its result is there.
    const { result, entries } = await multiply.profile(a, b);
    const milliseconds = entries.reduce((sum, entry) => sum + entry.milliseconds, 0);
    if (run > 0 || engine.info.name === 'eager') best = Math.min(best, milliseconds / 1000);
    result.dispose();
  }
  a.dispose();
  b.dispose();
  multiply.dispose();
  return (2 * side ** 3) / best;
}
