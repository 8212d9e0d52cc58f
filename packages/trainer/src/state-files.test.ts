import '@tensorflow/tfjs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeviceArray, eagerEngine, type Hosts, mapTree, type Mesh, meshSize, shardShape, shardStart } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { findCheckpoint, saveCheckpoint } from './checkpoint';
import { microConfig } from './micro-config.testing';
import { nameArrays, readArrays, restoreState, stateSharding, stateSpecs, storable, type TrainingState } from './state';

let folder: string;
beforeAll(() => tf.setBackend('cpu'));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'state-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

const mesh: Mesh = { data: 2, fsdp: 4 };
const progress = { iteration: 3, updates: 3, skippedInARow: 0, dataLength: 10 };

/** What process `index` of two sees of an array on eight devices: each process has one place of `data`. */
function arrayOf(shape: readonly number[], values: Float32Array, index: number): DeviceArray {
  const sharding = stateSharding(shape, mesh) ?? [];
  const devices = [...Array(meshSize(mesh)).keys()].filter((device) => Math.floor(device / 4) === index);
  const seen = new Set<string>();
  const parts = devices.flatMap((device) => {
    const start = shardStart(shape, sharding, mesh, device);
    // The first process holds every box first; the last box is left to the other one.
    const last = start.some((at) => at > 0) && device % 4 === 3;
    if (seen.has(String(start)) || (index === 0) === last) return [];
    seen.add(String(start));
    return [{ start, shape: shardShape(shape, sharding, mesh), data: async () => box(values, shape, start, shardShape(shape, sharding, mesh)) }];
  });
  const whole = sharding.length === 0;
  return { shape, dtype: 'float32', sharding, isDisposed: false, dispose() {}, data: async () => values, parts: () => (whole && index === 1 ? [] : parts) };
}

function box(values: Float32Array, shape: readonly number[], start: readonly number[], size: readonly number[]): Float32Array {
  return tf.slice(tf.tensor(values, [...shape]), [...start], [...size]).dataSync() as Float32Array;
}

/** A barrier of two processes that are functions of this one. */
function meeting(): (index: number) => Hosts {
  const waiting = new Map<string, () => void>();
  const barrier = (name: string): Promise<void> => {
    const other = waiting.get(name);
    if (other === undefined) return new Promise((resolve) => waiting.set(name, resolve));
    other();
    return Promise.resolve();
  };
  return (index) => ({ index, count: 2, barrier });
}

it('a checkpoint that two processes wrote in parts is read whole', async () => {
  const config = { ...microConfig, centering: 'centering' as const };
  const specs = mapTree(stateSpecs(config), (spec) => ({ ...spec })) as TrainingState<{ shape: readonly number[] }>;
  const values = Object.fromEntries(
    Object.entries(nameArrays(specs)).map(([name, { shape }], j) => [name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 7 * j)) }]),
  );
  const hosts = meeting();
  await Promise.all(
    [0, 1].map((index) => {
      const arrays = Object.fromEntries(Object.entries(values).map(([name, { shape, data }]) => [name, arrayOf(shape, data, index)]));
      return saveCheckpoint(folder, progress, config, storable(arrays, true), hosts(index));
    }),
  );
  expect((await readdir(join(folder, '00000003'))).sort()).toEqual(['manifest.json', 'state-00000-of-00002.safetensors', 'state-00001-of-00002.safetensors']);

  const { manifest, state } = (await findCheckpoint(folder, () => {}))!;
  expect(manifest.iteration).toBe(3);
  const restored = await readArrays(nameArrays(await restoreState(eagerEngine({ backend: 'cpu' }), config, state)));
  for (const [name, { data }] of Object.entries(values)) expect(restored[name].data).toEqual(data);

  await expect(restoreState(eagerEngine({ backend: 'cpu' }), config, state.slice(0, 1))).rejects.toThrow(/has \d+ of \d+ values; .*one with a file missing/);
});
