import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutate, seeded } from '../../../../tests/support/mutations.mjs';
import { openWeights, WeightsError } from '../index';

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mutations-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Open and read everything; true if that worked, false if it was refused as damage should be. */
async function loads(path: string, verifyChecksums: boolean): Promise<boolean> {
  try {
    const file = await openWeights(path, { verifyChecksums });
    try {
      for (const [name, { shape }] of file.entries) {
        const { data } = await file.read(name);
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        // The files have a few KB; only a repeated view of one may be larger, up to 2^22 elements.
        expect(data.byteLength).toBeLessThanOrEqual(8 << 22);
      }
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (error instanceof WeightsError) return false;
    throw error;
  }
}

const runs = 300;

describe('a damaged file is read or refused, and nothing else happens', () => {
  it.each([
    ['python.safetensors', true],
    ['tensors.pth', true],
    // Without checksums, damage reaches the pickle and the tensors.
    ['tensors.pth', false],
    ['plain2.pth', false],
    ['plain5.pth', false],
  ])('%s, checksums verified: %s', async (name, verifyChecksums) => {
    const original = new Uint8Array(await readFile(golden(name)));
    const path = join(folder, name);
    let refused = 0;
    for (let seed = 0; seed < runs; seed++) {
      const { bytes, mutation } = mutate(original, seeded(seed));
      await writeFile(path, bytes);
      try {
        if (!(await loads(path, verifyChecksums))) refused++;
      } catch (error) {
        throw new Error(`seed ${seed}, ${mutation}: ${String(error)}`, { cause: error });
      }
    }
    // Damage to values without a checksum, and to bytes that mean nothing, goes unseen.
    expect(refused).toBeGreaterThan(runs / 4);
  });

  it('sharded weights', async () => {
    const shard = await readFile(golden('python.safetensors'));
    const { entries, close } = await openWeights(golden('python.safetensors'));
    await close();
    const index = new TextEncoder().encode(
      JSON.stringify({ metadata: { total_size: 300 }, weight_map: Object.fromEntries([...entries.keys()].map((name) => [name, 'a.safetensors'])) }),
    );
    await writeFile(join(folder, 'a.safetensors'), shard);
    const path = join(folder, 'model.safetensors.index.json');
    await writeFile(path, index);
    expect(await loads(path, true)).toBe(true);
    for (let seed = 0; seed < runs; seed++) {
      const { bytes, mutation } = mutate(index, seeded(seed));
      await writeFile(path, bytes);
      await expect(loads(path, true), `seed ${seed}, ${mutation}`).resolves.toBeTypeOf('boolean');
    }
  });
});
