// What feeding costs: the whole trainer on a GPU, on pictures from the disk and on crops that are in memory already.
//
//   node feed.mjs --model l --pictures DIR [--batch 32] [--steps 20] [--plugin PATH] [--cache DIR]
//
// Prints a line of JSON: images per second of both, the share of the time that the trainer waited for pictures, and what
// the decoding threads give when nothing else runs. The pictures are read again and again.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLoader, openFolder } from '@dinov2/data';
import { float32, mixedPrecision } from '@dinov2/jit';
import { createTrainer, imageCrops } from '@dinov2/trainer';
import { common, engineOptions, say } from './arguments.mjs';
import { syntheticCrops } from './batches.mjs';
import { openEngine } from './engine.mjs';
import { recipe } from './recipes.mjs';

const { values } = parseArgs({
  options: {
    ...common,
    model: { type: 'string' },
    batch: { type: 'string' },
    pictures: { type: 'string' },
    precision: { type: 'string', default: 'bfloat16' },
    steps: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '4' },
  },
});
const steps = Number(values.steps);
const warmup = Number(values.warmup);
const config = {
  ...recipe(values.model, values.batch && Number(values.batch)),
  iterations: 1_000_000, checkpointEvery: 1_000_000, logEvery: 1_000_000,
};
const { batchSize } = config;
const source = openFolder(values.pictures);
const pictures = imageCrops(source);
const crops = syntheticCrops(config);
const memory = {
  length: batchSize,
  async *open() {
    for (;;) yield crops;
  },
};

const loader = await loaderRate();
const engine = await openEngine(engineOptions(values));
const precision = values.precision === 'float32' ? float32 : mixedPrecision(values.precision);
const fromMemory = await train(memory);
const fromDisk = await train(pictures);
say({
  event: 'result', model: values.model, batch: batchSize, cores: availableParallelism(), pictures: source.paths.length,
  loaderImagesPerSecond: loader, fromMemory, fromDisk,
});
process.exit();

/** Images per second of the decoding threads alone. */
async function loaderRate() {
  const batches = createLoader({ source, recipe: config.crops, batchSize, seed: 0 });
  const read = async (count) => {
    for (let i = 0; i < count; i++) await batches.next();
  };
  await read(3); // those that were made ahead
  const start = performance.now();
  await read(steps);
  const seconds = (performance.now() - start) / 1000;
  await batches.close();
  return (steps * batchSize) / seconds;
}

async function train(data) {
  const folder = mkdtempSync(join(tmpdir(), 'feed-'));
  const enough = new Error('enough steps');
  let done = 0;
  let start;
  let waited;
  const trainer = await createTrainer(config, {
    engine, folder, data, precision,
    onStep(line) {
      done++;
      if (done === warmup) start = performance.now();
      waited = line.dataWaitShare;
      if (done === warmup + steps) throw enough;
    },
  });
  try {
    await trainer.run();
  } catch (error) {
    if (error !== enough) throw error;
  } finally {
    trainer.dispose();
    rmSync(folder, { recursive: true });
  }
  return { imagesPerSecond: (steps * batchSize) / ((performance.now() - start) / 1000), waitedShare: waited };
}
