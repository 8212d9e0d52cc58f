// Whether training in bfloat16 tracks float32: the same seed, the same batches, a run in each.
//
//   node track.mjs [--model micro] [--batch N] [--steps 100] [--precision bfloat16] [--plugin PATH]
//
// States the band: the largest and the mean relative difference of the loss, step by step. Learning rate and weight
// decay follow the trainer's schedules, and a few batches come again and again, so that the loss goes somewhere.
import '@tensorflow/tfjs';
import { parseArgs } from 'node:util';
import { float32, jit, mapTree, mixedPrecision } from '@dinov2/jit';
import { createSchedules, createStep, initialState, initialStudent, metricNames } from '@dinov2/trainer';
import { common, engineOptions, say } from './arguments.mjs';
import { syntheticBatch } from './batches.mjs';
import { openEngine } from './engine.mjs';
import { recipe } from './recipes.mjs';

const { values } = parseArgs({
  options: {
    ...common,
    model: { type: 'string', default: 'micro' },
    batch: { type: 'string' },
    steps: { type: 'string', default: '100' },
    precision: { type: 'string', default: 'bfloat16' },
  },
});
const steps = Number(values.steps);
const base = recipe(values.model, values.batch && Number(values.batch));
const config = { ...base, iterations: steps, optimizer: { ...base.optimizer, warmupIterations: Math.min(20, steps >> 2) } };
const engine = await openEngine(engineOptions(values));
const student = initialStudent(config);
const names = metricNames(['backbone', 'dinoHead', ...(config.ibot.separateHead ? ['ibotHead'] : [])]);
const batches = Array.from({ length: 4 }, (_, i) => syntheticBatch(config, i, { seed: i }));

const narrow = await train(mixedPrecision(values.precision));
const wide = await train(float32);
const differences = wide.map(({ loss }, i) => Math.abs(narrow[i].loss - loss) / Math.abs(loss));
const result = {
  event: 'result', model: values.model, batch: config.batchSize, steps, precision: values.precision,
  largest: Math.max(...differences), mean: differences.reduce((a, b) => a + b, 0) / steps,
  last: differences.at(-1), skipped: narrow.filter(({ applied }) => applied !== 1).length,
  losses: { [values.precision]: narrow.map(({ loss }) => loss), float32: wide.map(({ loss }) => loss) },
};
console.error(
  `${steps} steps of ${values.model}, batch ${config.batchSize}: loss ${wide[0].loss.toFixed(3)} to ${wide.at(-1).loss.toFixed(3)} in float32, ` +
    `${narrow.at(-1).loss.toFixed(3)} in ${values.precision}; largest difference ${(100 * result.largest).toFixed(2)} %, mean ${(100 * result.mean).toFixed(2)} %`,
);
say(result);
process.exit();

async function train(precision) {
  const step = jit(createStep(config).trainStep, { engine, precision, donate: [0] });
  const schedules = createSchedules(config);
  const { beta1, beta2 } = config.optimizer;
  let state = initialState(engine, config, student);
  const curve = [];
  for (let i = 0; i < steps; i++) {
    const result = await step(state, undefined, batches[i % batches.length], {
      learningRate: schedules.learningRate(i),
      lastLayerLearningRate: schedules.lastLayerLearningRate(i),
      weightDecay: schedules.weightDecay(i),
      teacherMomentum: schedules.teacherMomentum(i),
      teacherTemperature: schedules.teacherTemperature(i),
      correction1: 1 / (1 - beta1 ** (i + 1)),
      correction2: 1 / (1 - beta2 ** (i + 1)),
    });
    state = result.state;
    const metrics = await result.metrics.data();
    result.metrics.dispose();
    curve.push(Object.fromEntries(names.map((name, j) => [name, metrics[j]])));
  }
  mapTree(state, (array) => array.dispose());
  step.dispose();
  return curve;
}
