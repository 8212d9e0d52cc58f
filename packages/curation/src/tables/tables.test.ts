import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type TableColumn, type TableSchema } from './column-types';
import { lists, numbers, strings } from './columns';
import { openTable, readTable } from './open-table';
import { writeTable, writeTableInParts } from './write-table';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-tables-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
const newPath = () => join(folder, `${count++}.parquet`);

async function roundTrip(columns: Record<string, TableColumn>, options = {}) {
  const path = newPath();
  await writeTable(path, columns, options);
  return { path, ...(await readTable(path)) };
}

describe('writeTable and readTable', () => {
  it('keep every kind of column', async () => {
    const columns = {
      flag: [true, false, true],
      name: ['a', '', 'ö😀'],
      i8: Int8Array.of(-128, 0, 127),
      i16: Int16Array.of(-32768, 0, 32767),
      i32: Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1),
      i64: BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n),
      u8: Uint8Array.of(0, 1, 255),
      u16: Uint16Array.of(0, 1, 65535),
      u32: Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1),
      u64: BigUint64Array.of(0n, 2n ** 63n, 2n ** 64n - 1n),
      f32: Float32Array.of(-0, 0.1, Infinity),
      f64: Float64Array.of(-0, 0.1, NaN),
    };
    const { rows, columns: read } = await roundTrip(columns);
    expect(rows).toBe(3);
    expect(read).toEqual(columns);
  });

  it('keep nulls', async () => {
    const { columns } = await roundTrip({
      name: ['a', null],
      flag: [null, false],
      related: { type: 'int64', values: [null, 7] },
      wide: { type: 'uint64', values: [2n ** 64n - 1n, null] },
      component: { type: 'uint32', values: [2 ** 32 - 1, null] },
      similarity: { type: 'float32', values: [0.5, null] },
    });
    expect(columns).toEqual({
      name: ['a', null],
      flag: [null, false],
      related: [null, 7n],
      wide: [2n ** 64n - 1n, null],
      component: [2 ** 32 - 1, null],
      similarity: [0.5, null],
    });
  });

  it('take 0 and 1 as booleans', async () => {
    const { columns } = await roundTrip({ keep: { type: 'boolean', values: Uint8Array.of(1, 0, 1) } });
    expect(columns.keep).toEqual([true, false, true]);
  });

  it('keep vectors, whatever their width and however rows are grouped', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom('float16' as const, 'float32' as const),
        async (width, rows, rowGroupRows, type) => {
          // Multiples of 1/64 below 32 are halves.
          const values = Float32Array.from({ length: rows * width }, (_, i) => ((i * 7919) % 2048) / 64);
          const id = Uint32Array.from({ length: rows }, (_, i) => i);
          const result = await roundTrip({ id, embedding: { type, width, values } }, { rowGroupRows });
          expect(result.rows).toBe(rows);
          expect(result.columns.id).toEqual(id);
          expect(lists(result, 'embedding').values).toEqual(values);
          if (rows > 0) expect(lists(result, 'embedding').width).toBe(width);
          rmSync(result.path);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('read only the rows and columns that are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.nat(59), fc.nat(59), fc.integer({ min: 1, max: 25 }), async (rows, a, b, rowGroupRows) => {
        const [first, end] = [Math.min(a, b), Math.max(a, b)].map((row) => Math.min(row, rows));
        const path = newPath();
        const values = Float32Array.from({ length: rows * 3 }, (_, i) => i);
        const name = Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? null : `n${i % 3}`));
        await writeTable(path, { id: Int32Array.from({ length: rows }, (_, i) => i), name, embedding: { width: 3, values } }, { rowGroupRows });
        const table = await openTable(path);
        const part = await table.read({ columns: ['embedding', 'name'], first, count: end - first });
        expect(Object.keys(part.columns)).toEqual(['embedding', 'name']);
        expect(lists(part, 'embedding').values).toEqual(values.slice(first * 3, end * 3));
        expect(strings(part, 'name')).toEqual(name.slice(first, end));
        await table.close();
        rmSync(path);
      }),
      { numRuns: 40 },
    );
  });

  it('keep text under names', async () => {
    const path = newPath();
    await writeTable(path, { id: Int32Array.of(1) }, { metadata: { key: 'ä', other: '{}' } });
    const table = await openTable(path);
    expect(table.metadata).toEqual({ key: 'ä', other: '{}' });
    await table.close();
  });

  it('append parts and read a folder of files as one table', async () => {
    const parts = join(folder, 'parts');
    mkdirSync(parts);
    const schema: TableSchema = { id: { type: 'uint32' }, note: { type: 'string', nullable: true }, embedding: { type: 'float16', width: 2 } };
    const part = (first: number, n: number): Record<string, TableColumn> => ({
      id: Uint32Array.from({ length: n }, (_, i) => first + i),
      note: Array.from({ length: n }, (_, i) => ((first + i) % 2 === 0 ? null : 'odd')),
      embedding: { width: 2, values: Float32Array.from({ length: 2 * n }, (_, i) => 2 * first + i) },
    });
    for (const [i, ranges] of [[[0, 3], [3, 1]], [], [[4, 2]]].entries()) {
      await writeTableInParts(join(parts, `part-0000${i}.parquet`), schema, async (append) => {
        for (const [first, n] of ranges) await append(part(first, n));
      });
    }
    writeFileSync(join(parts, 'failed.parquet'), 'not a part');
    const whole = await readTable(parts);
    expect(whole).toEqual({ rows: 6, columns: { id: Uint32Array.of(0, 1, 2, 3, 4, 5), note: [null, 'odd', null, 'odd', null, 'odd'], embedding: { width: 2, values: Float32Array.from({ length: 12 }, (_, i) => i) } } });
    const table = await openTable(parts);
    const ids: number[][] = [];
    for await (const block of table.blocks({ columns: ['id'], rows: 4 })) ids.push([...(block.columns.id as Uint32Array)]);
    expect(ids).toEqual([[0, 1, 2, 3], [4, 5]]);
    await table.close();
  });

  it('give numbers, text and vectors by kind', async () => {
    const table = await roundTrip({ name: ['a'], id: BigInt64Array.of(5n), related: { type: 'int64', values: [null] }, v: { width: 1, values: Float32Array.of(1) } });
    expect([...Array.from(numbers(table, 'id'))]).toEqual([5]);
    expect(numbers(table, 'related')).toEqual([null]);
    expect(() => numbers(table, 'name')).toThrow(/column "name" holds no numbers/);
    expect(() => strings(table, 'id')).toThrow(/column "id" holds no text/);
    expect(() => lists(table, 'id')).toThrow(/column "id" holds no vectors/);
    expect(() => strings(table, 'nothing')).toThrow(/no column "nothing" was read, only name, id, related, v/);
  });
});

describe('writeTable', () => {
  it('leaves what was there when it fails, and nothing beside it', async () => {
    const path = newPath();
    await writeTable(path, { id: Int32Array.of(1) });
    const before = readFileSync(path);
    await expect(
      writeTableInParts(path, { id: { type: 'int32' } }, async (append) => {
        await append({ id: Int32Array.of(2) });
        throw new Error('cut off');
      }),
    ).rejects.toThrow('cut off');
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it.each<[string, Record<string, TableColumn>, RegExp]>([
    ['lengths differ', { a: Int32Array.of(1), b: ['x', 'y'] }, /column "b" of .* has 2 values, column "a" 1/],
    ['numbers in a plain array', { a: [1, 2] as never }, /column "a" is a plain array of number; pass a typed array/],
    ['vectors are cut', { a: { width: 4, values: new Float32Array(7) } }, /column "a" of .* has vectors of 4 numbers, and 7 numbers/],
    ['a value is too large for halves', { a: { type: 'float16', width: 1, values: Float32Array.of(1e6) } }, /column "a" holds 1000000, and float16 ends at 65504; write float32/],
    ['vectors have no width', { a: { width: 0, values: new Float32Array(0) } }, /column "a" of .* has vectors of 0 numbers/],
    ['a value is no whole number', { a: { type: 'int32', values: [0.5] } }, /cannot be written: parquet expected integer value, got 0\.5/],
  ])('says so when %s', async (_, columns, message) => {
    const path = newPath();
    await expect(writeTable(path, columns)).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
  });

  it('refuses other columns than those of the schema', async () => {
    const write = (columns: Record<string, TableColumn>) => writeTableInParts(newPath(), { a: { type: 'int32' } }, (append) => append(columns));
    await expect(write({ b: Int32Array.of(1) })).rejects.toThrow(/has the columns a, and b were given/);
    await expect(write({ a: Uint32Array.of(1) })).rejects.toThrow(/column "a" of .* holds int32, and uint32 was given/);
    await expect(write({ a: { width: 1, values: Float32Array.of(1) } })).rejects.toThrow(/column "a" of .* holds no vectors/);
    await expect(write({ a: { type: 'int32', values: [null] } })).rejects.toThrow(/column "a" holds null in row 0 and is not nullable/);
  });
});

describe('openTable', () => {
  it('says what is wrong with a file', async () => {
    const path = newPath();
    await expect(openTable(path)).rejects.toThrow(/is not there; pass a Parquet file or a folder/);
    writeFileSync(path, 'words that are no table');
    await expect(openTable(path)).rejects.toThrow(/is no whole Parquet file: .*; it was cut or damaged/);
    writeFileSync(path, '');
    await expect(openTable(path)).rejects.toThrow(/is no whole Parquet file/);
    await writeTable(path, { id: Int32Array.of(1, 2, 3) });
    truncateSync(path, 60);
    await expect(openTable(path)).rejects.toThrow(/is no whole Parquet file/);
    mkdirSync(join(folder, 'empty'));
    await expect(openTable(join(folder, 'empty'))).rejects.toThrow(/no part-….parquet files in/);
  });

  it('notices damaged vectors', async () => {
    const path = newPath();
    const values = Float32Array.from({ length: 4000 }, (_, i) => i);
    await writeTable(path, { embedding: { width: 4, values } });
    const bytes = readFileSync(path);
    bytes[9000] ^= 1;
    writeFileSync(path, bytes);
    await expect(readTable(path)).rejects.toThrow(/a page at byte \d+ of .* is damaged; write or copy the file again/);
  });

  it('refuses rows and columns that are not there', async () => {
    const path = newPath();
    await writeTable(path, { id: Int32Array.of(1, 2, 3) });
    const table = await openTable(path);
    await expect(table.read({ columns: ['ids'] })).rejects.toThrow(/has no column "ids"; its columns are id/);
    await expect(table.read({ first: 2, count: 2 })).rejects.toThrow(/rows 2 to 3 of .* were asked for, which has rows 0 to 2/);
    await table.close();
  });

  it('refuses parts with other columns', async () => {
    const parts = join(folder, 'unequal');
    mkdirSync(parts);
    await writeTable(join(parts, 'part-00000.parquet'), { id: Int32Array.of(1) });
    await writeTable(join(parts, 'part-00001.parquet'), { key: Int32Array.of(1) });
    await expect(openTable(parts)).rejects.toThrow(/part-00001.parquet has the columns key, .*part-00000.parquet id; parts must have the same/);
  });
});
