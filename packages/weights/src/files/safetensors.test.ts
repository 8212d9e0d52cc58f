import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor, openSafetensors, readSafetensors, type WeightData, WeightsError, writeSafetensors } from '../index';

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weights-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Values as the golden generator prints them: floats as numbers, the rest as text. */
function describeValues(dtype: string, data: WeightData): unknown[] {
  if (dtype === 'BOOL') return Array.from(data as Uint8Array, (v) => (v ? 'True' : 'False'));
  if (data instanceof Float32Array) {
    return Array.from(data, (v) => (Number.isFinite(v) ? v : v > 0 ? 'inf' : '-inf'));
  }
  return Array.from(data as Int32Array, String);
}

/** A file with the given header and data bytes, whatever they say. */
async function rawFile(header: string, data = new Uint8Array(0), headerBytes?: bigint): Promise<string> {
  const json = new TextEncoder().encode(header);
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  const path = join(folder, 'raw.safetensors');
  await writeFile(path, Buffer.concat([prefix, json, data]));
  return path;
}

describe('readSafetensors', () => {
  it('reads every type of a file written by the Python library', async () => {
    const expected = JSON.parse(await readFile(golden('python.json'), 'utf8'));
    const { tensors, metadata } = await readSafetensors(golden('python.safetensors'));
    expect(metadata).toEqual(expected.metadata);
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(expected.tensors));
    for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
      expect(shape, name).toEqual(expected.tensors[name].shape);
      expect(describeValues(dtype, data), name).toEqual(expected.tensors[name].values);
    }
  });

  const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32'): object => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  it.each([
    ['a header longer than the bound', '{}', 0, 1n << 60n, /header claims \d+ bytes/],
    ['a header longer than the file', '{}', 0, 1000n, /truncated: its header needs 1008 bytes, it holds 10/],
    ['a header that is not JSON', '{"a":', 0, undefined, /not JSON/],
    ['a header that is not an object', '[]', 0, undefined, /not a JSON object/],
    ['missing data', JSON.stringify({ a: entry(0, 16) }), 12, undefined, /truncated: its tensors need 16 bytes, it holds 12/],
    ['data after the last tensor', JSON.stringify({ a: entry(0, 16) }), 20, undefined, /4 bytes follow the last tensor/],
    ['overlap', JSON.stringify({ a: entry(0, 16), b: entry(12, 20) }), 20, undefined, /tensor "b" starts at byte 12 and overlaps/],
    ['a hole', JSON.stringify({ a: entry(0, 4), b: entry(8, 12) }), 12, undefined, /tensor "b" starts at byte 8 and leaves a hole/],
    ['offsets that do not fit the shape', JSON.stringify({ a: entry(0, 16, [3]) }), 16, undefined, /shape \[3\] needs 12 bytes, its offsets hold 16/],
    ['a negative dimension', JSON.stringify({ a: entry(0, 4, [-1]) }), 4, undefined, /shape \[-1\]/],
    ['falling offsets', JSON.stringify({ a: entry(4, 0, [0]) }), 4, undefined, /data_offsets \[4,0\]/],
    ['an unknown type', JSON.stringify({ a: entry(0, 4, [1], 'F8_E4M3') }), 4, undefined, /tensor "a" .* dtype "F8_E4M3"/i],
    ['metadata that is not text', JSON.stringify({ __metadata__: { n: 3 } }), 0, undefined, /metadata "n" is not a string/],
  ])('refuses %s', async (_, header, dataBytes, headerBytes, message) => {
    const path = await rawFile(header, new Uint8Array(dataBytes), headerBytes);
    const failure = readSafetensors(path);
    await expect(failure).rejects.toThrow(WeightsError);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow(path);
  });

  it('names a missing file, and a missing tensor with those there are', async () => {
    await expect(readSafetensors(join(folder, 'none'))).rejects.toThrow(/none: ENOENT/);
    const file = await openSafetensors(golden('python.safetensors'));
    await expect(file.read('g32')).rejects.toThrow(/no tensor "g32"; it has "i64", .* and 4 more/);
    await file.close();
  });

  it('refuses every truncation of a valid file', async () => {
    const bytes = await readFile(golden('python.safetensors'));
    const path = join(folder, 'truncated.safetensors');
    for (let length = 0; length < bytes.length; length += 13) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(readSafetensors(path), `${length} bytes`).rejects.toThrow(WeightsError);
    }
  });
});

describe('writeSafetensors', () => {
  it('writes the bytes the Python library writes', async () => {
    const { tensors, metadata } = await readSafetensors(golden('writable.safetensors'));
    const path = join(folder, 'written.safetensors');
    const written = await writeSafetensors(path, tensors as Record<string, HostTensor>, metadata);
    const bytes = await readFile(path);
    expect(bytes.equals(await readFile(golden('writable.safetensors')))).toBe(true);
    expect(written.bytes).toBe(bytes.length);
  });

  it('returns any float32 tensors bit for bit', async () => {
    const tensor = fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return fc.record({ shape: fc.constant(shape), data: fc.float32Array({ minLength: size, maxLength: size }) });
    });
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__');
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, tensor), async (tensors) => {
        const path = join(folder, 'any.safetensors');
        await writeSafetensors(path, tensors);
        const { tensors: read } = await readSafetensors(path);
        expect(Object.keys(read).sort()).toEqual(Object.keys(tensors).sort());
        for (const [name, { shape, data }] of Object.entries(read)) {
          expect(shape).toEqual(tensors[name].shape);
          expect(data).toEqual(tensors[name].data);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps names that JavaScript objects treat in their own way, in order', async () => {
    const path = join(folder, 'names.safetensors');
    const tensor = { shape: [1], data: Float32Array.of(1) };
    await writeSafetensors(path, Object.fromEntries(['9', 'a', '10', '__proto__'].map((name) => [name, tensor])));
    const header = (await readFile(path)).toString('utf8', 8);
    // The order of the format's own writer: by type, then by name as text.
    expect([...header.matchAll(/"([^"]*)":\{"dtype"/g)].map(([, name]) => name)).toEqual(['10', '9', '__proto__', 'a']);
    expect(Object.keys((await readSafetensors(path)).tensors)).toContain('__proto__');
  });

  it('keeps the old file and leaves nothing behind when a tensor cannot be had', async () => {
    const path = join(folder, 'kept', 'a.safetensors');
    await expect(writeSafetensors(path, {})).rejects.toThrow(/Cannot write .*kept/);
    const own = await mkdtemp(join(folder, 'own-'));
    const kept = join(own, 'a.safetensors');
    await writeSafetensors(kept, { x: { shape: [2], data: new Float32Array([1, 2]) } });
    const load = async (): Promise<never> => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    await expect(writeSafetensors(kept, { x: { shape: [2], dtype: 'F32', load } })).rejects.toThrow(/Free disk space; an older file there is untouched/);
    expect((await readSafetensors(kept)).tensors.x.data).toEqual(new Float32Array([1, 2]));
    expect(await readdir(own)).toEqual(['a.safetensors']);
  });

  it('refuses data that does not fit its shape', async () => {
    const tensors = { x: { shape: [3], data: new Float32Array(2) } };
    await expect(writeSafetensors(join(folder, 'bad.safetensors'), tensors)).rejects.toThrow(/"x" .* needs 12 bytes, its data has 8/);
  });
});
