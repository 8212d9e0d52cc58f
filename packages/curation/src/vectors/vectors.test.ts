import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CurationError } from '../error';
import { memoryVectors } from './memory-vectors';
import { writeTable } from '../tables';
import { openNpy } from './open-npy';
import { openVectors } from './open-vectors';
import type { Vectors } from './vectors';
import { writeNpy } from './write-npy';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'vectors-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Whole numbers below 2048, which float16 holds exactly. */
const matrix = (rows: number, columns: number) => Float32Array.from({ length: rows * columns }, (_, i) => (i * 37) % 2048);

const rowsOf = (data: Float32Array, columns: number, rows: Iterable<number>) =>
  Float32Array.from([...rows].flatMap((row) => [...data.subarray(row * columns, (row + 1) * columns)]));

async function written(data: Float32Array, columns: number, precision: 'float32' | 'float16', blocks = 3): Promise<Vectors> {
  const path = join(folder, `${precision}.npy`);
  const writer = await writeNpy(path, columns, precision);
  const size = Math.ceil(data.length / columns / blocks) * columns;
  for (let at = 0; at < data.length; at += size) await writer.append(data.subarray(at, at + size));
  await writer.close();
  return openNpy(path);
}

describe.each([
  ['in memory', async (data: Float32Array, columns: number) => memoryVectors(data, columns)],
  ['a float32 file', (data: Float32Array, columns: number) => written(data, columns, 'float32')],
  ['a float16 file', (data: Float32Array, columns: number) => written(data, columns, 'float16')],
])('vectors: %s', (_, open) => {
  it('gives any range and any rows in any order', async () => {
    const [rows, columns] = [100, 3];
    const data = matrix(rows, columns);
    const vectors = await open(data, columns);
    expect([vectors.rows, vectors.columns]).toEqual([rows, columns]);
    await fc.assert(
      fc.asyncProperty(fc.nat(rows), fc.nat(rows), fc.array(fc.nat(rows - 1)), async (a, b, wanted) => {
        const [first, end] = [Math.min(a, b), Math.max(a, b)];
        expect(await vectors.read(first, end - first)).toEqual(data.slice(first * columns, end * columns));
        expect(await vectors.gather(Uint32Array.from(wanted))).toEqual(rowsOf(data, columns, wanted));
      }),
      { numRuns: 50 },
    );
    await vectors.close();
  });

  it('gives arrays that the caller may write to, and refuses rows that are not there', async () => {
    const vectors = await open(matrix(4, 2), 2);
    (await vectors.read(1, 2)).fill(-1);
    expect(await vectors.read(0, 4)).toEqual(matrix(4, 2));
    await expect(vectors.read(3, 2)).rejects.toThrow(/rows 3 to 4 .* rows 0 to 3/);
    await expect(vectors.read(-1, 2)).rejects.toThrow(CurationError);
    await expect(vectors.gather(Uint32Array.of(4))).rejects.toThrow(CurationError);
    await vectors.close();
  });
});

describe('.npy', () => {
  it('reads what numpy.save wrote', async () => {
    // numpy.save of numpy.array([[1.5, -2, 3], [4, 5, 65504]], dtype) for '<f4' and '<f2'.
    const header = (type: string) => `\x93NUMPY\x01\x00v\x00${`{'descr': '${type}', 'fortran_order': False, 'shape': (2, 3), }`.padEnd(117)}\n`;
    const values = { '<f4': '0000c03f000000c0000040400000804000 00a04000e07f47', '<f2': '003e00c00042004400 45ff7b' };
    for (const [type, hex] of Object.entries(values)) {
      const path = join(folder, 'numpy.npy');
      writeFileSync(path, Buffer.concat([Buffer.from(header(type), 'latin1'), Buffer.from(hex.replace(' ', ''), 'hex')]));
      const vectors = await openNpy(path);
      expect([...(await vectors.read(0, 2))]).toEqual([1.5, -2, 3, 4, 5, 65504]);
      await vectors.close();
    }
  });

  it('is one file with the right header, and nothing when it is given up', async () => {
    const path = join(folder, 'rows.npy');
    const writer = await writeNpy(path, 2);
    await writer.append(Float32Array.of(1, 2, 3, 4));
    expect(readdirSync(folder)).not.toContain('rows.npy');
    await expect(writer.append(Float32Array.of(1))).rejects.toThrow('1 numbers are not rows of 2 columns');
    expect(writer.rows).toBe(2);
    await writer.close();
    expect(readFileSync(path).subarray(0, 10)).toEqual(Buffer.from('934e554d50590100' + '7600', 'hex'));
    expect(readFileSync(path).toString('latin1', 10, 71)).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".padEnd(61));
    const other = await writeNpy(join(folder, 'other.npy'), 2);
    await other.abort();
    expect(readdirSync(folder).filter((name) => name.startsWith('other'))).toEqual([]);
  });

  it('refuses values beyond float16 rather than writing infinities', async () => {
    const writer = await writeNpy(join(folder, 'large.npy'), 2, 'float16');
    await expect(writer.append(Float32Array.of(1, 2, 70_000, 4))).rejects.toThrow(/row 1 holds 70000.*float32/);
    await writer.abort();
  });

  it.each([
    ['is cut', (path: string) => truncateSync(path, 140), /should have 152 bytes .* has 140/],
    ['is cut in the header', (path: string) => truncateSync(path, 60), /no readable .npy header/],
    ['is empty', (path: string) => truncateSync(path, 0), /does not begin with/],
    ['holds integers', (path: string) => replace(path, '<f4', '<i4'), /holds <i4/],
    ['holds big-endian numbers', (path: string) => replace(path, '<f4', '>f4'), /holds >f4/],
    ['is in Fortran order', (path: string) => replace(path, 'False', ' True'), /Fortran/],
    ['has one dimension', (path: string) => replace(path, '(3, 2)', '(6, ) '), /shape \(6\)/],
    ['is another file', (path: string) => writeFileSync(path, 'PAR1 and so on and on'), /not a .npy/],
  ])('says so when a file %s', async (_, damage, message) => {
    const path = join(folder, 'damaged.npy');
    const writer = await writeNpy(path, 2);
    await writer.append(Float32Array.of(1, 2, 3, 4, 5, 6));
    await writer.close();
    damage(path);
    const failure = await openNpy(path).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CurationError);
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).toContain('damaged.npy');
  });

  it('says which file is missing', async () => {
    await expect(openNpy(join(folder, 'missing.npy'))).rejects.toThrow(/missing.npy cannot be opened/);
  });
});

describe('openVectors', () => {
  it('opens .npy, Parquet files and folders of them', async () => {
    const data = matrix(40, 3);
    const npy = join(folder, 'open.npy');
    const writer = await writeNpy(npy, 3, 'float16');
    await writer.append(data);
    await writer.close();
    const parts = join(folder, 'parts');
    mkdirSync(parts);
    await writeTable(join(parts, 'part-00000.parquet'), { embedding: { type: 'float32', width: 3, values: data.slice(0, 75) } });
    await writeTable(join(parts, 'part-00001.parquet'), { embedding: { type: 'float32', width: 3, values: data.slice(75) } });
    for (const [path, expected] of [[npy, data], [parts, data], [join(parts, 'part-00001.parquet'), data.slice(75)]] as const) {
      const vectors = await openVectors(path);
      expect(vectors.columns).toBe(3);
      expect(await vectors.read(0, vectors.rows)).toEqual(expected);
      await vectors.close();
    }
  });
});

function replace(path: string, from: string, to: string): void {
  writeFileSync(path, readFileSync(path).toString('latin1').replace(from, to), 'latin1');
}
