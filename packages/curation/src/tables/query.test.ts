import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { query } from './query';
import { writeTable } from './write-table';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-query-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('query', () => {
  it('answers about tables of every kind of column', async () => {
    const images = join(folder, "it's.parquet");
    await writeTable(images, {
      id: Uint32Array.of(0, 2 ** 32 - 1),
      path: ['a.jpg', 'ö.jpg'],
      offset: { type: 'int64', values: [null, 512] },
      phash: BigUint64Array.of(2n ** 64n - 1n, 5n),
      keep: [true, false],
      half: { type: 'float16', width: 3, values: Float32Array.of(0.5, -2, 65504, 2 ** -24, 1, 0) },
      single: { type: 'float32', width: 2, values: Float32Array.of(1, 2, 3, 4) },
    });
    expect(await query('SELECT * FROM images ORDER BY id', { images })).toEqual([
      { id: 0, path: 'a.jpg', offset: null, phash: 2n ** 64n - 1n, keep: true, half: [0.5, -2, 65504], single: [1, 2] },
      { id: 2 ** 32 - 1, path: 'ö.jpg', offset: 512, phash: 5, keep: false, half: [2 ** -24, 1, 0], single: [3, 4] },
    ]);
    // Through the statistics of the file, which are unsigned.
    expect(await query('SELECT count(*) AS n FROM images WHERE id > 4000000000 AND phash < 6', { images })).toEqual([{ n: 1 }]);
  });

  it('takes a folder of parts as one table, and joins tables', async () => {
    const parts = join(folder, 'parts');
    mkdirSync(parts);
    await writeTable(join(parts, 'part-00000.parquet'), { id: Uint32Array.of(0, 1) });
    await writeTable(join(parts, 'part-00001.parquet'), { id: Uint32Array.of(2) });
    const decisions = join(folder, 'decisions.parquet');
    await writeTable(decisions, { id: Uint32Array.of(0, 1, 2), reason: ['unique', 'duplicate', 'unique'] });
    const answer = await query('SELECT reason, count(*) AS images, sum(id) AS total FROM parts JOIN decisions USING (id) GROUP BY reason ORDER BY reason', { parts, decisions });
    expect(answer).toEqual([{ reason: 'duplicate', images: 1, total: 1 }, { reason: 'unique', images: 2, total: 2 }]);
  });

  it('says so when a table is missing or the question makes no sense', async () => {
    await expect(query('SELECT 1', { images: join(folder, 'nothing.parquet') })).rejects.toThrow(/nothing.parquet is not there/);
    await expect(query('SELECT nonsense')).rejects.toThrow(/DuckDB cannot answer: .*nonsense/);
  });

  it('says what to install', async () => {
    vi.doMock('@duckdb/node-api', () => {
      throw new Error('Cannot find package');
    });
    await expect(query('SELECT 1')).rejects.toThrow('SQL needs DuckDB, which is not installed; run `npm install @duckdb/node-api`');
    vi.doUnmock('@duckdb/node-api');
  });
});
