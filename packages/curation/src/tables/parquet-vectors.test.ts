import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import golden from './foreign-tables.golden.json';
import { readTable } from './open-table';
import { openParquetVectors } from './parquet-vectors';
import { writeTable } from './write-table';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-vectors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { rows, width } = golden;
const sets: Record<string, Float32Array> = {
  repeated: Float32Array.from({ length: rows * width }, (_, i) => ((i * 37) % 64) / 8),
  distinct: Float32Array.from({ length: rows * width }, (_, i) => i / 64),
};
const put = (file: string, content: string) => {
  const path = join(folder, file.replaceAll(' ', '-'));
  writeFileSync(path, Buffer.from(content, 'base64'));
  return path;
};

describe('openParquetVectors', () => {
  it.each(Object.entries(golden.good))('reads rows in any order from %s', async (name, { values, file }) => {
    const vectors = await openParquetVectors(put(`${name}.parquet`, file));
    expect([vectors.rows, vectors.columns]).toEqual([rows, width]);
    const expected = sets[values];
    expect(await vectors.read(0, rows)).toEqual(expected);
    await fc.assert(
      fc.asyncProperty(fc.nat(rows), fc.nat(rows), fc.uint8Array({ max: rows - 1, maxLength: 30 }), async (a, b, wanted) => {
        const [first, end] = [Math.min(a, b), Math.max(a, b)];
        expect(await vectors.read(first, end - first)).toEqual(expected.slice(first * width, end * width));
        const gathered = await vectors.gather(Uint32Array.from(wanted));
        expect(gathered).toEqual(Float32Array.from([...wanted].flatMap((row) => [...expected.subarray(row * width, (row + 1) * width)])));
      }),
      { numRuns: 20 },
    );
    await vectors.close();
  });

  it.each([
    ['ragged', /column "embedding" of .* has \d+ numbers in 23 rows; vectors must be of one length/],
    ['holes', /column "embedding" of .* has \d+ numbers in 23 rows; vectors must be of one length/],
    ['inner', /column "embedding" of .* has nulls or vectors of several lengths; give every row 7 numbers/],
    ['shifted', /column "embedding" of .* has nulls or vectors of several lengths; give every row 7 numbers/],
  ] as const)('refuses %s vectors', async (name, message) => {
    const path = put(`${name}.parquet`, golden.bad[name]);
    const read = async () => {
      const vectors = await openParquetVectors(path);
      await vectors.read(0, rows).finally(() => vectors.close());
    };
    await expect(read()).rejects.toThrow(message);
  });

  it('reads parts in order, across their ends, in pages of about a megabyte', async () => {
    const parts = join(folder, 'parts');
    mkdirSync(parts);
    const columns = 1000;
    const counts = [700, 0, 1, 900]; // 2.8 MB are three pages
    const all = Float32Array.from({ length: 1601 * columns }, (_, i) => (i * 2654435761) % 65536);
    let first = 0;
    for (const [i, count] of counts.entries()) {
      await writeTable(join(parts, `part-0000${i}.parquet`), { embedding: { width: columns, values: all.slice(first * columns, (first + count) * columns) } });
      first += count;
    }
    const vectors = await openParquetVectors(parts);
    expect([vectors.rows, vectors.columns]).toEqual([1601, columns]);
    for (const [from, count] of [[0, 1601], [699, 3], [250, 30], [700, 1], [1600, 1], [1601, 0]]) {
      // As bytes: millions of numbers are too many for toEqual.
      const read = Buffer.from((await vectors.read(from, count)).buffer);
      expect(read.equals(Buffer.from(all.slice(from * columns, (from + count) * columns).buffer))).toBe(true);
    }
    await expect(vectors.read(1601, 1)).rejects.toThrow(/rows 1601 to 1601 of .* were asked for, which has rows 0 to 1600/);
    await vectors.close();
  });

  it('notices that parts are of different networks', async () => {
    const parts = join(folder, 'mixed');
    mkdirSync(parts);
    await writeTable(join(parts, 'part-00000.parquet'), { embedding: { width: 2, values: Float32Array.of(1, 2) } });
    await writeTable(join(parts, 'part-00001.parquet'), { embedding: { width: 3, values: Float32Array.of(1, 2, 3) } });
    await expect(openParquetVectors(parts)).rejects.toThrow(/parts of .* hold vectors of 2 and of 3 numbers; embed all images with the same network/);
  });

  it('takes the column that it is told, and says which there are', async () => {
    const path = join(folder, 'named.parquet');
    await writeTable(path, { id: Int32Array.of(1), sscd: { width: 2, values: Float32Array.of(3, 4) } });
    const vectors = await openParquetVectors(path, { column: 'sscd' });
    expect(await vectors.read(0, 1)).toEqual(Float32Array.of(3, 4));
    await vectors.close();
    await expect(openParquetVectors(path)).rejects.toThrow(/has no column "embedding"; its columns are id, sscd/);
    await expect(openParquetVectors(path, { column: 'id' })).rejects.toThrow(/has no vectors in its column "id"/);
  });

  it('survives damage anywhere: an error that names the file, or the right numbers', async () => {
    const whole = join(folder, 'whole.parquet');
    const values = Float32Array.from({ length: 60 * 5 }, (_, i) => i);
    await writeTable(whole, { id: Int32Array.from({ length: 60 }, (_, i) => i), embedding: { width: 5, values } });
    const bytes = readFileSync(whole);
    const path = join(folder, 'hurt.parquet');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 300, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const hurt = Buffer.from(bytes);
        hurt[at] ^= change;
        writeFileSync(path, hurt);
        const read = async () => {
          const vectors = await openParquetVectors(path);
          try {
            return await vectors.read(0, 60);
          } finally {
            await vectors.close();
          }
        };
        const result = await read().catch((error: Error) => error);
        if (result instanceof Error) expect(result.name).toBe('CurationError');
        else expect(result).toEqual(values);
      }),
      { numRuns: 300 },
    );
  });
});

describe('readTable', () => {
  it('reads columns that pandas wrote, and says which kinds it does not', async () => {
    const path = put('other.parquet', golden.other);
    const { columns } = await readTable(path, ['n', 'u', 's', 'b', 'i', 'f']);
    expect(columns).toEqual({
      n: [1n, null, 3n],
      u: Uint32Array.of(1, 2, 2 ** 32 - 1),
      s: ['a', null, 'ö'],
      b: [true, false, true],
      i: Int8Array.of(-1, 2, 3),
      f: [0.5, null, 2.5],
    });
    await expect(readTable(path)).rejects.toThrow(/column "when" of .* is of a kind that is not read here; use query\(\) for it/);
  });
});
