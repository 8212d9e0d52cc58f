import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../program.testing';
import { HeadCheckpoint } from './head-checkpoint';

const { folder, remove } = temporaryFolder();
const cache = join(folder, 'features');
afterAll(remove);

describe('HeadCheckpoint', () => {
  const groups = ['parameters', 'momenta'] as const;
  const state = {
    iteration: 7,
    parameters: { 'a.weight': { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }, 'a/b': { data: Float32Array.of(5), shape: [1] } },
    momenta: { 'a.weight': { data: Float32Array.of(0, -1, 0.5, 2 ** -20), shape: [2, 2] } },
  };

  it('gives back what was written, for the same settings alone', async () => {
    const checkpoint = new HeadCheckpoint(cache, ['linear', { seed: 0 }], groups);
    expect(await checkpoint.read()).toBeUndefined();
    await checkpoint.write(state);
    expect(await new HeadCheckpoint(cache, ['linear', { seed: 0 }], groups).read()).toEqual(state);
    expect(await new HeadCheckpoint(cache, ['linear', { seed: 1 }], groups).read()).toBeUndefined();
  });

  it('is gone when the training is finished', async () => {
    const checkpoint = new HeadCheckpoint(cache, ['linear', { seed: 0 }], groups);
    await checkpoint.write(state);
    checkpoint.remove();
    expect(await checkpoint.read()).toBeUndefined();
    expect(existsSync(join(folder, 'heads')) && readdirSync(join(folder, 'heads'))).toEqual([]);
  });
});
