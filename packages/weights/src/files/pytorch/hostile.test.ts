import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWeights, type WeightsFile, WeightsError } from '../../index';
import { type MadeEntry, makeZip, pickle } from './archive.testing';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(entries: readonly MadeEntry[]): Promise<string> {
  const path = join(folder, 'a.pth');
  await writeFile(path, makeZip(entries));
  return path;
}

const storage = new Uint8Array(Float32Array.of(0, 1, 2, 3).buffer);
const archive = (data: Uint8Array): MadeEntry[] => [
  { name: 'a/data.pkl', data },
  { name: 'a/data/0', data: storage },
];
const open = async (...operations: string[]): Promise<WeightsFile> => openWeights(await write(archive(pickle.program(...operations))));

async function refused(file: Promise<WeightsFile>, message: RegExp): Promise<void> {
  await expect(file).rejects.toThrow(WeightsError);
  await expect(file).rejects.toThrow(message);
}

const item = (name: string, value: string): string => `}${pickle.text(name)}${value}s`;

describe('a pickle', () => {
  it('of one tensor opens', async () => {
    const file = await open(item('a', pickle.tensor()));
    expect((await file.read('a')).data).toEqual(Float32Array.of(0, 1, 2, 3));
    await file.close();
  });

  it.each([
    ['calls a value', `${pickle.text('os.system')})R`, /calls a string, which is not a function/],
    ['calls a type', `${pickle.global('torch', 'float32')})R`, /calls torch\.float32/],
    ['calls by NEWOBJ', `${pickle.global('subprocess', 'Popen')})\x81`, /wants to call subprocess\.Popen/],
    ['calls by a dotted name', `${pickle.text('torch')}${pickle.text('_utils.os.system')}\x93)R`, /wants to call torch\._utils\.os\.system/],
    ['hides control characters in a name', pickle.global('os\x1b[31m', 'system'), /wants to call os\?\[31m\.system/],
    ['holds a number of NumPy', pickle.global('numpy.core.multiarray', 'scalar'), /numpy\.core\.multiarray\.scalar.*settings or results beside the weights/],
    ['holds shards', pickle.global('torch.distributed._shard.sharded_tensor.api', 'ShardedTensor'), /gather the full state dict/],
    ['calls by OBJ', `(${pickle.global('torch', 'Size')}o`, /operation 0x6f/],
    ['uses an extension code', '\x82\x01', /operation 0x82/],
    ['uses protocol 0', "I1\n", /operation 0x49/],
    ['builds a tensor', `${pickle.tensor()}}b`, /sets attributes of a tensor/],
    ['rebuilds by a function of its own', `${pickle.global('torch._tensor', '_rebuild_from_type_v2')}(${pickle.global('collections', 'OrderedDict')}${pickle.global('torch', 'Tensor')})}tR`, /unknown class/],
    ['takes from an empty stack', '0', /empty stack/],
    ['takes past a mark', '](a', /empty stack/],
    ['recalls what it never stored', 'h\x07', /recalls value 7/],
    ['leaves values over', ']]', /left over/],
    ['ends early', 'X\xff\xff\xff\xff', /ends within an operation/],
    ['has an integer of a gigabyte', '\x8b\x00\x00\x00\x40', /integer of 1073741824 bytes/],
    ['has text that is not UTF-8', 'X\x01\x00\x00\x00\xff', /not UTF-8/],
    ['has a list as a key', '}]]s', /a list as a key/],
    ['names data otherwise', ')Q', /refers to data in a way/],
    ['names data that is not there', item('a', pickle.tensor({ storage: '../../etc/passwd' })), /data "\.\.\/\.\.\/etc\/passwd" is not in the archive/],
    ['has more data than the archive', item('a', pickle.tensor({ elements: 2 ** 40 })), /should have 4398046511104 bytes and has 16/],
    ['reaches beyond its storage', item('a', pickle.tensor({ offset: 1 })), /beyond its storage of 4 elements/],
    ['reaches beyond by strides', item('a', pickle.tensor({ shape: [2, 2], strides: [3, 1] })), /beyond its storage/],
    ['repeats one element without bounds', item('a', pickle.tensor({ shape: [2 ** 52], strides: [0] })), /repeats 4 stored elements to 4503599627370496/],
    ['overlaps itself', item('a', pickle.tensor({ shape: [2, 2], strides: [1, 1] })), /overlaps itself/],
    ['has a rank of its own', item('a', pickle.tensor({ shape: Array(100).fill(1), strides: Array(100).fill(1) })), /no list of sizes/],
    ['has fewer strides', item('a', pickle.tensor({ shape: [2, 2], strides: [1] })), /shape \[2,2\] but strides \[1\]/],
    ['has a type of integers not read', item('a', pickle.tensor({ type: 'ShortStorage' })), /torch\.ShortStorage, which is not read/],
    ['has two tensors of one name', `}(${pickle.text('a.b')}${pickle.tensor()}${pickle.text('a')}${item('b', pickle.tensor())}u`, /two values called "a\.b"/],
    ['makes dicts without end', '}'.repeat(500_000), /more than 4000000 operations/],
    ['contains itself', `}q\x00${pickle.text('a')}h\x00s`, /nests deeper than 100/],
    ['nests deeply', `${']'.repeat(200)}${'a'.repeat(199)}`, /nests deeper than 100/],
  ])('that %s is refused', async (_, operations, message) => {
    await refused(open(operations), message);
  });

  it('whose values unfold without end is refused soon', async () => {
    // Thirty lists, each of the one before twice: 2^30 leaves.
    const byte = String.fromCharCode;
    const lists = Array.from({ length: 30 }, (_, i) => `(h${byte(i)}h${byte(i)}lq${byte(i + 1)}0`);
    const start = performance.now();
    await refused(open('}q\x000', ...lists, 'h\x1e'), /more than 1000000 values/);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it('that copies one string again and again is refused', async () => {
    const long = pickle.text('x'.repeat(100_000));
    const encode = `${pickle.global('_codecs', 'encode')}h\x00${pickle.text('latin1')}\x86R`;
    await refused(open(`(${long}q\x00${encode.repeat(100)}l`), /more than 4000000 operations/);
  });

  it('with an attribute of a dict is read', async () => {
    const file = await open(`${pickle.global('collections', 'OrderedDict')})R${pickle.text('a')}${pickle.tensor()}s${item('_metadata', '}')}b`);
    expect([...file.entries.keys()]).toEqual(['a']);
    await file.close();
  });
});

describe('an archive', () => {
  const whole = archive(pickle.program(item('a', pickle.tensor())));

  it.each<[string, MadeEntry[], RegExp]>([
    ['without a pickle', whole.slice(1), /holds 0 pickles called "data\.pkl"/],
    ['with two pickles', [...whole, { name: 'b/data.pkl', data: '' }], /holds 2 pickles/],
    ['with a name twice', [...whole, whole[1]], /entry "a\/data\/0" occurs twice/],
    ['with a path out of it', [...whole, { name: '../x', data: '' }], /invalid relative path/],
    ['with an absolute path', [...whole, { name: '/x', data: '' }], /absolute path/],
    ['of another byte order', [...whole, { name: 'a/byteorder', data: 'big' }], /byte order "big".*little-endian/],
    ['whose pickle is compressed', [{ name: 'a/data.pkl', data: deflateRawSync(whole[0].data), method: 8 }, whole[1]], /compressed, which torch\.save never does/],
    ['whose pickle is encrypted', [{ ...whole[0], flags: 1 }, whole[1]], /(encrypted|size mismatch)/],
  ])('%s is refused', async (_, entries, message) => {
    await refused(openWeights(await write(entries)), message);
  });

  it('with compressed data opens, and names the tensor that cannot be read', async () => {
    const bomb: MadeEntry = { name: 'a/data/0', data: new Uint8Array(16), method: 8 };
    const path = join(folder, 'bomb.pth');
    const bytes = makeZip([whole[0], bomb]);
    await writeFile(path, bytes);
    // yauzl checks sizes of stored entries only.
    const file = await openWeights(path);
    await expect(file.read('a')).rejects.toThrow(/Tensor "a": Entry "a\/data\/0" .* is compressed/);
    await file.close();
  });

  it('with damaged data names the tensor', async () => {
    const bytes = makeZip(whole);
    bytes[bytes.indexOf(Buffer.from(storage)) + 5] ^= 4;
    const path = join(folder, 'damaged.pth');
    await writeFile(path, bytes);
    const file = await openWeights(path);
    await expect(file.read('a')).rejects.toThrow(/Tensor "a": .*damaged\.pth is damaged: "a\/data\/0" has checksum [0-9a-f]{8}, not [0-9a-f]{8}/);
    await expect(file.readInto('a', new Float32Array(4))).rejects.toThrow(WeightsError);
    await file.close();
  });
});

describe('any view of a storage', () => {
  it('reads as index arithmetic says', async () => {
    // A dense array, sliced along every axis, in any order of axes, and repeated along some.
    const axis = fc.record({ size: fc.integer({ min: 1, max: 5 }), step: fc.integer({ min: 1, max: 3 }), start: fc.nat(2), repeat: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(axis, { maxLength: 4 }), fc.infiniteStream(fc.nat()), async (axes, order) => {
        let [elements, offset] = [1, 0];
        const dims = axes.map(({ size, step, start, repeat }) => {
          const stride = elements;
          elements *= start + (size - 1) * step + 1;
          offset += start * stride;
          return { size, stride: repeat ? 0 : stride * step, key: order.next().value };
        });
        dims.sort((a, b) => a.key - b.key);
        const [shape, strides] = [dims.map(({ size }) => size), dims.map(({ stride }) => stride)];
        const data = new Uint8Array(Int32Array.from({ length: elements }, (_, i) => 3 * i).buffer);
        const program = pickle.program(item('a', pickle.tensor({ type: 'IntStorage', elements, offset, shape, strides })));
        const file = await openWeights(await write([{ name: 'a/data.pkl', data: program }, { name: 'a/data/0', data }]));

        let expected = [offset];
        dims.forEach(({ size, stride }) => {
          expected = expected.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * stride));
        });
        const { data: read } = await file.read('a');
        expect(read).toEqual(Int32Array.from(expected, (at) => 3 * at));
        const floats = new Float32Array(expected.length);
        await file.readInto('a', floats);
        expect(floats).toEqual(Float32Array.from(read as Int32Array));
        await file.close();
      }),
      { numRuns: 100 },
    );
  });

  it('is read in windows when it is larger than one', async () => {
    const [rows, columns] = [1100, 2049];
    const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
    const program = pickle.program(item('a', pickle.tensor({ elements: values.length, shape: [columns, rows], strides: [1, columns] })));
    const file = await openWeights(await write([{ name: 'a/data.pkl', data: program }, { name: 'a/data/0', data: new Uint8Array(values.buffer) }]));
    const { data } = await file.read('a');
    await file.close();
    const expected = Float32Array.from(values, (_, i) => (i % rows) * columns + Math.floor(i / rows));
    expect(Buffer.from(data.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });
});
