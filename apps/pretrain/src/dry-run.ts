import { openSource } from '@dinov2/data';
import { jit } from '@dinov2/jit';
import { batchSpecs, createStep, stateSpecs, type StepScalars } from '@dinov2/trainer';
import { parameterCount, parameterShapes } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import type { Settings } from './config/schema';
import { modelName, trainerConfig } from './config/trainer-config';
import { pickEngine } from './engine';
import { bytes, duration, si } from './format';

/** Share of the matrix-product rate that a whole step is taken to reach. */
const STEP_EFFICIENCY = 0.7;

/** Say what a run would be: model, cost of a step, memory and time. Reads no image, draws no weight. */
export async function dryRun(settings: Settings): Promise<string> {
  const config = trainerConfig(settings);
  const images = settings.data === null ? undefined : openSource(settings.data).paths.length;
  const { engine, reason } = await pickEngine(settings);
  const spec = { shape: [] as number[], dtype: 'float32' as const };
  const scalars: StepScalars<typeof spec> = {
    learningRate: spec,
    lastLayerLearningRate: spec,
    weightDecay: spec,
    teacherMomentum: spec,
    teacherTemperature: spec,
    correction1: spec,
    correction2: spec,
  };
  const step = jit(createStep(config).trainStep, { engine, donate: [0, 1] });
  const traced = performance.now();
  const { cost, memory } = await step.compile(stateSpecs(config), undefined, batchSpecs(config), scalars);
  const compileSeconds = (performance.now() - traced) / 1000;
  const rate = await matmulRate(engine);
  const perStep = settings.batchSize * settings.accumulationSteps;
  const seconds = (cost.flops * settings.accumulationSteps) / (rate * STEP_EFFICIENCY);
  const parameters = Object.values(stateSpecs(config).student).reduce(
    (sum, record) => sum + parameterCount(Object.fromEntries(Object.entries(record).map(([name, { shape }]) => [name, shape]))),
    0,
  );
  const rows: [string, string][] = [
    ['model', `${modelName(config.model, settings)}, ${si(parameterCount(parameterShapes(config.model)))} parameters; ${si(parameters)} with heads, four copies in a run`],
    ['data', images === undefined ? 'none named (--data)' : `${images} images in ${settings.data}`],
    ['engine', `${engine.info.name} (${engine.info.runtime}) on ${engine.info.device}, ${engine.info.precision}: ${reason}`],
    ['step', `${perStep} images, ${si(cost.flops * settings.accumulationSteps)}FLOP, ${cost.nodes} kernels; traced and compiled in ${duration(compileSeconds)}`],
    ['memory', `${bytes(memory.inputs + memory.outputs + memory.temporary)}: ${bytes(memory.inputs)} state and batch, ${bytes(memory.temporary)} while a step runs`],
    ['speed', `${si(rate)}FLOP/s in a matrix product here; at ${100 * STEP_EFFICIENCY} % of it ${(perStep / seconds).toPrecision(2)} images/s, ${seconds < 60 ? `${seconds.toPrecision(2)} s` : duration(seconds)} a step`],
    ['time', `${duration(seconds * settings.iterations)} for ${settings.iterations} steps (evaluation and report not counted)`],
  ];
  step.dispose();
  await engine.dispose();
  return rows.map(([name, text]) => `${name.padEnd(8)} ${text}`).join('\n');
}

/** Floating-point operations per second of a 1024³ matrix product on the engine, best of some. */
async function matmulRate(engine: Parameters<typeof jit>[1]['engine']): Promise<number> {
  const side = 1024;
  const multiply = jit((a: tf.Tensor2D, b: tf.Tensor2D) => tf.matMul(a, b), { engine });
  const host = new Float32Array(side * side).fill(1);
  const a = engine.put(host, [side, side], 'float32');
  const b = engine.put(host, [side, side], 'float32');
  let best = Infinity;
  const began = performance.now();
  for (let run = 0; run < 6 && performance.now() - began < 4000; run++) {
    const started = performance.now();
    const product = await multiply(a, b);
    if (run > 0 || engine.info.name === 'eager') best = Math.min(best, (performance.now() - started) / 1000);
    product.dispose();
  }
  a.dispose();
  b.dispose();
  multiply.dispose();
  return (2 * side ** 3) / best;
}
