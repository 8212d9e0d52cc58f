// Times the step of @dinov2/trainer: the peer of torch_step.py.
//
//   node ours.mjs --model l [--batch 32] [--largest] [--precision bfloat16] [--plugin PATH] [--cache DIR]
//
// Prints lines of JSON. The clock for the first step starts with the process. Steps run one behind the other as in
// training, with the batch on the device and its colours changed there; the clock is read every `--window` steps.
import '@tensorflow/tfjs';
import { parseArgs } from 'node:util';
import { flattenTree, float32, jit, mapTree, mixedPrecision } from '@dinov2/jit';
import { batchSpecs, createStep, drawStudent, initialState, metricNames, stateSpecs } from '@dinov2/trainer';
import { common, engineOptions, say } from './arguments.mjs';
import { syntheticBatch } from './batches.mjs';
import { card, usedByThisProcess } from './driver.mjs';
import { openEngine } from './engine.mjs';
import { modelFlops } from './model-flops.mjs';
import { recipe, scalars } from './recipes.mjs';

const { values } = parseArgs({
  options: {
    ...common,
    model: { type: 'string' },
    batch: { type: 'string' },
    largest: { type: 'boolean', default: false },
    multiple: { type: 'string', default: '4' },
    precision: { type: 'string', default: 'bfloat16' },
    steps: { type: 'string', default: '20' },
    window: { type: 'string', default: '4' },
    warmup: { type: 'string', default: '3' },
  },
});
const precision = values.precision === 'float32' ? float32 : mixedPrecision(values.precision);
const sinceStart = () => performance.now() / 1000;
const dtype = (data) => (data instanceof Int32Array ? 'int32' : data instanceof Uint8Array ? 'bool' : 'float32');

const engine = await openEngine(engineOptions(values));
const opened = sinceStart();
say({ event: 'engine', ...engine.info });
const size = Number(values.batch ?? recipe(values.model).batchSize);
say(values.largest ? await largest(size) : await measure(size));
process.exit();

/** The compiled step of a batch size, and what compiling took. */
async function compileStep(batchSize) {
  const config = recipe(values.model, batchSize);
  const step = jit(createStep(config).trainStep, { engine, precision, donate: [0] });
  const specs = [stateSpecs(config), undefined, batchSpecs(config), mapTree(scalars(1), () => ({ shape: [], dtype: 'float32' }))];
  const begin = performance.now();
  const { graph, cost } = step.lower(...specs);
  const traced = performance.now();
  const { memory } = await step.compile(...specs);
  const seconds = { trace: (traced - begin) / 1000, compile: (performance.now() - traced) / 1000 };
  return { config, step, memory, seconds, flops: modelFlops(graph), allFlops: cost.flops };
}

async function drawWeights(batchSize) {
  const begin = performance.now();
  const student = await drawStudent(recipe(values.model, batchSize));
  return { student, drawing: (performance.now() - begin) / 1000 };
}

/** Bytes that a run holds at its peak, with a second batch on its way. */
function needed({ temporary, inputs, outputs }, config) {
  const sizes = flattenTree(batchSpecs(config)).leaves.map(({ shape, dtype: type }) => shape.reduce((a, b) => a * b, type === 'bool' ? 1 : 4));
  return temporary + inputs + outputs + sizes.reduce((a, b) => a + b, 0);
}

/** @param compiled - if it was compiled before. */
async function measure(batchSize, compiled) {
  // Weights are drawn while the plugin's threads compile.
  const [{ config, step, memory, seconds, flops, allFlops }, { student, drawing }] = await Promise.all([
    compiled ?? compileStep(batchSize),
    drawWeights(batchSize),
  ]);
  let state = initialState(engine, config, student);
  // Several, made ahead, so that neither masks nor rows repeat at once.
  const batches = Array.from({ length: 4 }, (_, i) =>
    mapTree(syntheticBatch(config, i), ({ data, shape }) => engine.put(data, shape, dtype(data))),
  );
  const lossAt = metricNames([]).indexOf('loss');
  let t = 0;
  const run = async (count) => {
    let metrics;
    for (let i = 0; i < count; i++) {
      metrics?.dispose();
      const result = await step(state, undefined, batches[t % batches.length], scalars(++t));
      ({ state, metrics } = result);
    }
    const read = await metrics.data();
    metrics.dispose();
    return [...read];
  };
  const first = await run(1);
  const firstStepSeconds = sinceStart();
  if (Number(values.warmup) > 0) await run(Number(values.warmup));
  const window = Number(values.window);
  const measured = [];
  let metrics;
  for (let done = 0; done < Number(values.steps); done += window) {
    const start = performance.now();
    metrics = await run(window);
    measured.push((performance.now() - start) / 1000 / window);
  }
  return {
    event: 'result', batch: batchSize, seconds: measured, firstStepSeconds,
    phases: { engine: opened, ...seconds, weights: drawing },
    losses: metrics.slice(0, 4), firstLoss: first[lossAt], lastLoss: metrics[lossAt],
    flops, allFlops,
    planned: { ...memory, total: needed(memory, config) },
    peakBytes: engine.memory?.()[0]?.peak ?? null,
    driverBytes: usedByThisProcess() ?? null,
    hostBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** The largest batch that fits: what two others need says what a larger one would; its own plan decides. */
async function largest(start) {
  const multiple = Number(values.multiple);
  const limit = engine.memory?.()[0]?.limit ?? card()?.memoryBytes;
  if (limit === undefined) throw new Error('neither the plugin nor nvidia-smi says how much memory the device has; measure a batch of your choice with --batch');
  const plan = async (batchSize) => {
    const compiled = await compileStep(batchSize);
    const bytes = needed(compiled.memory, compiled.config);
    say({ event: 'planned', batch: batchSize, bytes, limit, compileSeconds: compiled.seconds.compile });
    return { ...compiled, bytes };
  };
  const sizes = [start, 2 * start];
  const bytes = [];
  for (const batchSize of sizes) {
    const { step, bytes: total } = await plan(batchSize);
    step.dispose();
    bytes.push(total);
  }
  const slope = (bytes[1] - bytes[0]) / (sizes[1] - sizes[0]);
  for (const share of [0.98, 0.95, 0.9, 0.8]) {
    const batchSize = Math.max(start, Math.floor(((limit * share - bytes[0]) / slope + sizes[0]) / multiple) * multiple);
    try {
      const compiled = await plan(batchSize);
      if (compiled.bytes <= limit) return await measure(batchSize, compiled);
      compiled.step.dispose();
    } catch (error) {
      if (!/RESOURCE_EXHAUSTED|[Oo]ut of memory/.test(String(error))) throw error;
    }
    say({ event: 'tried', batch: batchSize, fits: false });
  }
  throw new Error(`no batch above ${start} fits into ${(limit / 2 ** 30).toFixed(0)} GiB`);
}
