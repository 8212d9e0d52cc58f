import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@dinov2/primitives';
import { connect } from '@lancedb/lancedb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CurationError } from '../error';
import { memoryVectors } from '../vectors/memory-vectors';
import { openLanceIndex } from './lance-index';

const columns = 32;
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lance-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function normal(rows: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: rows * columns }, () => 3 * random.normal());
}

/** All rows by cosine with a vector, in double precision. */
function sorted(data: Float32Array, vector: Float32Array) {
  const length = (values: Float32Array) => Math.hypot(...values);
  return Array.from({ length: data.length / columns }, (_, row) => {
    const own = data.subarray(row * columns, (row + 1) * columns);
    return { row, similarity: own.reduce((sum, value, i) => sum + value * vector[i]!, 0) / length(own) / length(vector) };
  }).sort((a, b) => b.similarity - a.similarity);
}

describe('an index in LanceDB', () => {
  it('finds the nearest rows, among new ones too, and grows', async () => {
    const path = join(folder, 'grows');
    const data = normal(9000, 1);
    const query = normal(1, 2);
    const index = await openLanceIndex(path);
    expect([await index.rows(), await index.nearest(query)]).toEqual([0, []]);
    // Without partitions, with them, and with rows put into them later: all partitions are searched, so that the answer is exact.
    for (const rows of [500, 5000, 9000]) {
      await index.extend(memoryVectors(data.subarray(0, rows * columns), columns));
      expect(await index.rows()).toBe(rows);
      const expected = sorted(data.subarray(0, rows * columns), query);
      const found = await index.nearest(query, { k: 20, probes: 200 });
      expect(found.map(({ row }) => row)).toEqual(expected.slice(0, 20).map(({ row }) => row));
      // float32 of 32 products, and 1 − (1 − cos).
      found.forEach(({ similarity }, i) => expect(similarity).toBeCloseTo(expected[i]!.similarity, 6));
      const above = await index.nearest(query, { k: 1000, threshold: 0.4, probes: 200 });
      expect(above.map(({ row }) => row)).toEqual(expected.filter(({ similarity }) => similarity > 0.4).map(({ row }) => row));
    }
    index.close();
    const again = await openLanceIndex(path);
    expect(await again.rows()).toBe(9000);
    expect((await again.nearest(data.slice(0, columns), { k: 1 }))[0]!.row).toBe(0);
    again.close();
  });

  it('goes on where it was stopped', async () => {
    const path = join(folder, 'stopped');
    const vectors = memoryVectors(normal(20_000, 3), columns);
    const controller = new AbortController();
    const index = await openLanceIndex(path);
    const stopped = index.extend(vectors, { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
    expect(await index.rows()).toBe(8192);
    await index.extend(vectors);
    expect(await index.rows()).toBe(20_000);
    const [first] = await index.nearest(await vectors.read(19_999, 1), { k: 1 });
    expect(first!.row).toBe(19_999);
    expect(first!.similarity).toBeCloseTo(1, 6);
    index.close();
  });

  it('refuses what does not fit', async () => {
    const index = await openLanceIndex(join(folder, 'fits'));
    await index.extend(memoryVectors(normal(10, 4), columns));
    const damaged = normal(12, 5).fill(NaN, 11 * columns);
    for (const [attempt, message] of [
      [() => index.extend(memoryVectors(new Float32Array(33).fill(1), 3)), /3 columns .* has 32/],
      [() => index.extend(memoryVectors(normal(9, 4), columns)), /9 rows .* has 10/],
      [() => index.extend(memoryVectors(damaged, columns)), /row 11 of the set is not finite/],
      [() => index.nearest(new Float32Array(31).fill(1)), /31 columns/],
      [() => index.nearest(new Float32Array(columns)), /all zeros/],
      [() => index.nearest(normal(1, 6), { k: 0 }), /k is 0/],
    ] as const) {
      const failure = attempt();
      await expect(failure).rejects.toThrow(message);
      await expect(failure).rejects.toBeInstanceOf(CurationError);
    }
    expect(await index.rows()).toBe(10);
    index.close();
    const other = join(folder, 'other');
    const connection = await connect(other);
    await connection.createTable('vectors', [{ text: 'of someone else' }]);
    await expect(openLanceIndex(other)).rejects.toThrow(/no index of this program/);
  });

  it('says what to install', async () => {
    vi.doMock('@lancedb/lancedb', () => {
      throw new Error('Cannot find package');
    });
    await expect(openLanceIndex(folder)).rejects.toThrow('needs LanceDB, which is not installed; run `npm install @lancedb/lancedb`');
    vi.doUnmock('@lancedb/lancedb');
  });
});
