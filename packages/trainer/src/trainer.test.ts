import '@tensorflow/tfjs';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeviceArray, eagerEngine, type Engine } from '@dinov2/jit';
import { parameterShapes } from '@dinov2/vit';
import { readSafetensors } from '@dinov2/weights';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TrainerConfig } from './config';
import type { CropSource } from './crop-source';
import { TrainerError } from './errors';
import type { MetricsLine } from './metrics-log';
import { microConfig } from './micro-config.testing';
import { syntheticCrops } from './synthetic-crops.testing';
import { createTrainer, type TrainerOptions } from './trainer';

const config: TrainerConfig = {
  ...microConfig,
  iterations: 5,
  checkpointEvery: 2,
  model: { ...microConfig.model, depth: 1, layerScale: 1 },
};

/** Synthetic crops, with a NaN in those of some iterations. */
function synthetic(broken: readonly number[] = []): CropSource {
  return {
    length: 7,
    async *open(config, firstSample) {
      for (let sample = firstSample; ; sample += config.batchSize) {
        const crops = syntheticCrops(config, sample);
        const globalCrops = Float32Array.from(crops.globalCrops);
        if (broken.includes(sample / config.batchSize)) globalCrops[5] = NaN;
        yield { ...crops, globalCrops };
      }
    },
  };
}

let root: string;
let folder: string;
let runs = 0;
let warnings: string[];
const engine = eagerEngine({ backend: 'cpu' });

async function train(changes: Partial<TrainerConfig> = {}, options: Partial<TrainerOptions> = {}): Promise<boolean> {
  const onWarning = (message: string) => warnings.push(message);
  const trainer = await createTrainer({ ...config, ...changes }, { engine, folder, data: synthetic(), onWarning, ...options });
  try {
    return await trainer.run();
  } finally {
    trainer.dispose();
  }
}

/** Train until an iteration is done, then abort. */
async function trainUntil(iteration: number, options: Partial<TrainerOptions> = {}): Promise<boolean> {
  const controller = new AbortController();
  const onStep = (line: MetricsLine) => line.iteration + 1 === iteration && controller.abort();
  return train({}, { signal: controller.signal, onStep, ...options });
}

const lines = async (): Promise<MetricsLine[]> =>
  (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line));

/** Everything a finished run leaves that must not depend on how it came there. */
async function outcome(): Promise<Record<string, unknown>> {
  const last = String(config.iterations).padStart(8, '0');
  const losses = (await lines()).map(({ iteration, loss, 'updateNorm.backbone': update }) => ({ iteration, loss, update }));
  return {
    losses,
    state: await readFile(join(folder, 'checkpoints', last, 'state.safetensors'), 'base64'),
    backbone: await readFile(join(folder, 'backbone.safetensors'), 'base64'),
    heads: await readFile(join(folder, 'heads.safetensors'), 'base64'),
  };
}

let uninterrupted: Record<string, unknown>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'trainer-'));
  folder = join(root, 'uninterrupted');
  expect(await train()).toBe(true);
  uninterrupted = await outcome();
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => {
  folder = join(root, String(runs++));
  warnings = [];
});

describe('a run', () => {
  it('leaves its configuration, metrics, newest checkpoints and weights', async () => {
    folder = join(root, 'uninterrupted');
    expect((await readdir(folder)).sort()).toEqual([
      'backbone.safetensors', 'checkpoints', 'config.json', 'heads.safetensors', 'metrics.jsonl', 'tensorboard',
    ]);
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toEqual(config);
    expect(await readdir(join(folder, 'checkpoints'))).toEqual(['00000004', '00000005']);
    const { tensors } = await readSafetensors(join(folder, 'backbone.safetensors'));
    const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual(parameterShapes(config.model));
    const heads = await readSafetensors(join(folder, 'heads.safetensors'));
    expect(Object.keys(heads.tensors)).toContain('dino_head.last_layer.weight_v');
  });

  it('writes a line per iteration with images, passes, schedules and norms', async () => {
    folder = join(root, 'uninterrupted');
    const log = await lines();
    expect(log.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4]);
    expect(log[2]).toMatchObject({ images: 6, epoch: 6 / 7, applied: 1 });
    expect(log[0].learningRate).toBe(0);
    expect(log[0]['updateNorm.backbone']).toBe(0);
    expect(log[2]['updateNorm.backbone']).toBeGreaterThan(0);
    const keys = ['loss', 'weightDecay', 'teacherMomentum', 'teacherTemperature', 'gradientNorm.backbone', 'parameterNorm.dinoHead', 'imagesPerSecond', 'dataWaitShare', 'memoryBytes'];
    for (const key of keys) expect(Number.isFinite(log[4][key]), key).toBe(true);
  });

  it('that was stopped continues to the same weights and log', async () => {
    expect(await trainUntil(1)).toBe(false);
    expect(await trainUntil(3)).toBe(false);
    expect(await train()).toBe(true);
    expect(await outcome()).toEqual(uninterrupted);
  });

  it('that is finished stays as it is', async () => {
    await train();
    expect(await train()).toBe(true);
    expect(await outcome()).toEqual(uninterrupted);
  });

  it('whose newest checkpoint is truncated goes back to the one before', async () => {
    await trainUntil(3);
    await truncate(join(folder, 'checkpoints', '00000003', 'state.safetensors'), 1000);
    // A killed process leaves half a line.
    await writeFile(join(folder, 'metrics.jsonl'), '{"iteration":2,"lo', { flag: 'a' });
    await train();
    expect(warnings).toEqual([expect.stringMatching(/00000003 is damaged .* 1000 bytes instead of/)]);
    expect(await outcome()).toEqual(uninterrupted);
  });

  it('refuses another configuration or other data, naming what differs', async () => {
    await trainUntil(1);
    const optimizer = { ...config.optimizer, weightDecay: 0.05 };
    const changed = train({ optimizer, logEvery: 3 }, { data: { ...synthetic(), length: 8 } });
    await expect(changed).rejects.toThrow(TrainerError);
    await expect(changed).rejects.toThrow(/at iteration 1 that differs in optimizer.weightDecay: 0.04 -> 0.05; images in the data: 7 -> 8\./);
    expect(await train({ optimizer }, { allowChanges: true })).toBe(true);
  });

  it('lets its callback look at the teacher', async () => {
    const seen: number[] = [];
    await train(
      { evaluateEvery: 2 },
      {
        onEvaluate: async ({ iteration, backbone, extractFeatures }) => {
          seen.push(iteration);
          expect(backbone['norm.weight'].shape).toEqual([config.model.embedDim]);
          const { data, shape } = await extractFeatures({ data: new Float32Array(3 * 16 * 16 * 3), shape: [3, 16, 16, 3] });
          expect(shape).toEqual([3, config.model.embedDim]);
          expect(data.every(Number.isFinite)).toBe(true);
        },
      },
    );
    expect(seen).toEqual([2, 4]);
    expect(await outcome()).toEqual(uninterrupted);
  });

  it('counts the images of accumulated batches, and continues exactly with them', async () => {
    const accumulated = { accumulationSteps: 2, iterations: 3 };
    await train(accumulated);
    expect((await lines()).map(({ images }) => images)).toEqual([4, 8, 12]);
    const backbone = await readFile(join(folder, 'backbone.safetensors'), 'base64');
    const losses = (await lines()).map(({ loss }) => loss);
    folder = `${folder}-stopped`;
    const controller = new AbortController();
    expect(await train(accumulated, { signal: controller.signal, onStep: () => controller.abort() })).toBe(false);
    expect(await train(accumulated)).toBe(true);
    expect((await lines()).map(({ loss }) => loss)).toEqual(losses);
    expect(await readFile(join(folder, 'backbone.safetensors'), 'base64')).toBe(backbone);
  });

  it('has its folder for itself until it is disposed', async () => {
    const first = await createTrainer(config, { engine, folder, data: synthetic() });
    await expect(train()).rejects.toThrow(/is in use by another trainer of this process/);
    first.dispose();
    expect(await train()).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('that is refused gives the folder back', async () => {
    await trainUntil(1);
    await expect(train({ seed: 5 })).rejects.toThrow(/differs in seed/);
    expect(await train()).toBe(true);
  });

  it('that is continued does not count compiling in its images per second', async () => {
    let compiled = 0;
    const slow: Engine = {
      ...engine,
      async compile(graph, options) {
        compiled += 500;
        await new Promise((done) => setTimeout(done, 500));
        return engine.compile(graph, options);
      },
    };
    await trainUntil(3);
    const started = performance.now();
    await train({ logEvery: 10 }, { engine: slow }); // one line, at the end
    const total = performance.now() - started;
    const { imagesPerSecond, dataWaitShare } = (await lines()).at(-1)!;
    const counted = (1000 * 2 * config.batchSize) / imagesPerSecond;
    expect(counted).toBeGreaterThan(0);
    expect(counted).toBeLessThan(total - compiled);
    expect(dataWaitShare).toBeGreaterThan(0);
    expect(dataWaitShare).toBeLessThan(1);
  });

  it('frees what it holds', async () => {
    const before = tf.memory().numTensors;
    await train();
    await new Promise(setImmediate);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the NaN guard', () => {
  it('skips a broken step, says so, and goes on', async () => {
    expect(await train({}, { data: synthetic([1, 3]) })).toBe(true);
    expect(warnings.map((message) => /^Iteration \d was skipped: its loss is NaN/.exec(message)?.[0])).toEqual([
      'Iteration 1 was skipped: its loss is NaN',
      'Iteration 3 was skipped: its loss is NaN',
    ]);
    const manifest = JSON.parse(await readFile(join(folder, 'checkpoints', '00000005', 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ iteration: 5, updates: 3, skippedInARow: 0 });
    expect((await lines()).map(({ applied }) => applied)).toEqual([1, 0, 1, 0, 1]);
  });

  it('stops at the third in a row and keeps the batch', async () => {
    const run = train({}, { data: synthetic([1, 2, 3]) });
    await expect(run).rejects.toThrow(
      /Iteration 3 was skipped: .*third in a row.* Its batch is in \S*skipped-batch-3\.safetensors; the checkpoint of iteration 2 is good/,
    );
    const { tensors } = await readSafetensors(join(folder, 'skipped-batch-3.safetensors'));
    const crops = tensors['batch.globalCrops'];
    expect(crops.shape).toEqual([4, 16, 16, 3]);
    expect((crops.data as Float32Array).findIndex(Number.isNaN)).toBe(5);
    expect(tensors['batch.masks'].dtype).toBe('BOOL');
  });
});

describe('the NaN guard with accumulated batches', () => {
  it('keeps the last batch, and says that there is no checkpoint', async () => {
    const run = train({ accumulationSteps: 2, checkpointEvery: 10 }, { data: synthetic([0, 2, 5]) });
    await expect(run).rejects.toThrow(
      /Iteration 2 was skipped: .* The last of its 2 batches \(the fault may be in another\) is in \S*skipped-batch-2\.safetensors; there is no checkpoint yet/,
    );
    const { tensors } = await readSafetensors(join(folder, 'skipped-batch-2.safetensors'));
    const expected = Float32Array.from(syntheticCrops(config, 5 * config.batchSize).globalCrops);
    expected[5] = NaN;
    expect(tensors['batch.globalCrops'].data).toEqual(expected);
  });
});

describe('a full disk', () => {
  /** The engine, with arrays that cannot be read from some moment on, as if the file could not take them. */
  function failing(full: () => boolean): Engine {
    const guard = (array: DeviceArray): DeviceArray =>
      new Proxy(array, {
        get(target, key) {
          // Small arrays are metrics.
          if (key === 'data' && full() && target.shape.length > 1) {
            return async () => {
              throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
            };
          }
          const value = Reflect.get(target, key) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const original = new WeakMap<DeviceArray, DeviceArray>();
    const wrap = (array: DeviceArray): DeviceArray => {
      const wrapped = guard(array);
      original.set(wrapped, array);
      return wrapped;
    };
    return {
      ...engine,
      put: (...args) => wrap(engine.put(...args)),
      async compile(graph, options) {
        const executable = await engine.compile(graph, options);
        return {
          memory: executable.memory,
          profile: (inputs) => executable.profile(inputs),
          dispose: () => executable.dispose(),
          run: async (inputs) => (await executable.run(inputs.map((x) => original.get(x) ?? x))).map(wrap),
        };
      },
    };
  }

  it('stops the run with the older checkpoint intact, and the run goes on when there is space', async () => {
    let iteration = 0;
    const run = train({}, { engine: failing(() => iteration >= 3), onStep: (line) => (iteration = line.iteration + 1) });
    await expect(run).rejects.toThrow(/checkpoint of iteration 4 was not saved: .*ENOSPC.*Free disk space/);
    expect(await readdir(join(folder, 'checkpoints'))).toEqual(['00000002']);
    expect(existsSync(join(folder, 'backbone.safetensors'))).toBe(false);
    await train();
    expect(await outcome()).toEqual(uninterrupted);
  });
});
