import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LazyTensor, readSafetensors } from '@dinov2/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCheckpoint, saveCheckpoint } from './checkpoint';
import { microConfig } from './micro-config.testing';
import { TrainerError } from './errors';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoints-'));
});
afterEach(() => rm(folder, { recursive: true }));

const config = { ...microConfig, keepCheckpoints: 2 };
const progress = (iteration: number) => ({ iteration, updates: iteration, skippedInARow: 0, dataLength: 10 });
const tensors = (value: number, load?: () => Promise<never>): Record<string, LazyTensor> => ({
  'student.x': { shape: [3], dtype: 'F32', load: async () => new Float32Array(3).fill(value) },
  'student.y': { shape: [100], dtype: 'F32', load: load ?? (async () => new Float32Array(100).fill(value)) },
});
const save = (iteration: number): Promise<string> => saveCheckpoint(folder, progress(iteration), config, tensors(iteration));
const find = async () => {
  const warnings: string[] = [];
  return { found: await findCheckpoint(folder, (message) => warnings.push(message)), warnings };
};

describe('checkpoints', () => {
  it('finds nothing in an empty or missing folder', async () => {
    expect(await find()).toEqual({ found: undefined, warnings: [] });
    expect(await findCheckpoint(join(folder, 'none'), () => {})).toBeUndefined();
  });

  it('keeps the newest ones and finds the last', async () => {
    for (const iteration of [5, 10, 15]) await save(iteration);
    expect(await readdir(folder)).toEqual(['00000010', '00000015']);
    const { found } = await find();
    expect(found!.manifest).toMatchObject({ iteration: 15, updates: 15, images: 15 * config.batchSize, config });
    expect((await readSafetensors(found!.state[0])).tensors['student.x'].data).toEqual(new Float32Array([15, 15, 15]));
  });

  it.each([
    ['truncated', (path: string) => truncate(join(path, 'state.safetensors'), 300), /has 300 bytes instead of/],
    [
      'altered',
      async (path: string) => {
        const file = join(path, 'state.safetensors');
        const bytes = await readFile(file);
        bytes[bytes.length - 1] ^= 1;
        await writeFile(file, bytes);
      },
      /do not have the recorded SHA-256/,
    ],
    ['without its manifest', (path: string) => rm(join(path, 'manifest.json')), /ENOENT/],
    ['with half a manifest', (path: string) => truncate(join(path, 'manifest.json'), 20), /JSON/],
  ])('falls back to the one before a checkpoint that is %s', async (_, harm, message) => {
    await save(5);
    await harm(await save(10));
    const { found, warnings } = await find();
    expect(found!.manifest.iteration).toBe(5);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(message);
    // The damaged one is out of the way of the run that computes this iteration again.
    await save(10);
    expect((await find()).found!.manifest.iteration).toBe(10);
  });

  it('sets a second damaged checkpoint of one iteration aside too', async () => {
    await save(5);
    for (const bytes of [300, 200]) {
      await truncate(join(await save(10), 'state.safetensors'), bytes);
      const { found, warnings } = await find();
      expect(found!.manifest.iteration).toBe(5);
      expect(warnings).toEqual([expect.stringContaining(`has ${bytes} bytes`)]);
    }
    expect(await readdir(folder)).toEqual(['00000005', '00000010.invalid']);
  });

  it('leaves older ones alone when the disk is full', async () => {
    await save(5);
    await save(10);
    const before = await readdir(folder, { recursive: true });
    const load = async (): Promise<never> => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    const failure = saveCheckpoint(folder, progress(15), config, tensors(15, load));
    await expect(failure).rejects.toThrow(TrainerError);
    await expect(failure).rejects.toThrow(/iteration 15 was not saved: .*Free disk space/);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
    expect((await find()).found!.manifest.iteration).toBe(10);
  });

  it('is not whole where the part of another process is missing', async () => {
    await save(5);
    const alone = { index: 0, count: 2, barrier: async () => {} };
    await expect(saveCheckpoint(folder, progress(10), config, tensors(10), alone)).rejects.toThrow(/process 1 has written its part, .* storage that all hosts see/);
    expect(await readdir(folder)).toEqual(['00000005']);
  });

  it('removes the rest of a save that was killed', async () => {
    execFileSync('mkdir', [join(folder, '00000005.partial')]);
    await writeFile(join(folder, '00000005.partial', 'old'), 'x');
    await save(5);
    expect(await readdir(folder)).toEqual(['00000005']);
    expect((await readdir(join(folder, '00000005'))).sort()).toEqual(['manifest.json', 'state.safetensors']);
  });
});
