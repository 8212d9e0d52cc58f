import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { openWeights, type StoredTensor, type WeightsFile, WeightsError } from '../../index';

const golden = (name: string): string => new URL(`../golden/${name}`, import.meta.url).pathname;

interface Expected {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}

const expected: Record<string, Record<string, Expected>> = JSON.parse(await readFile(golden('pytorch.json'), 'utf8'));

const pythonDtypes: Record<string, string> = {
  F32: 'float32',
  F64: 'float64',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  U8: 'uint8',
  BOOL: 'bool',
};

/** As Python prints what JSON cannot hold: booleans, infinities, and integers beyond 2^53. */
function printed({ dtype, data }: StoredTensor): (number | string)[] {
  return Array.from(data as ArrayLike<number | bigint>, (value) => {
    if (dtype === 'BOOL') return value ? 'True' : 'False';
    if (typeof value === 'bigint') return Math.abs(Number(value)) < 2 ** 53 ? Number(value) : String(value);
    return Number.isFinite(value) ? value : value > 0 ? 'inf' : '-inf';
  });
}

let file: WeightsFile | undefined;
const open = async (...args: Parameters<typeof openWeights>): Promise<WeightsFile> => (file = await openWeights(...args));
afterEach(async () => {
  await file?.close();
  file = undefined;
});

describe('a .pth file', () => {
  it.each(['tensors', 'checkpoint', 'protocol4', 'plain2', 'plain3', 'plain4', 'plain5'])('%s reads as in Python', async (name) => {
    const tensors = expected[`${name}.pth`];
    const { entries, format, read, readInto } = await open(golden(`${name}.pth`));
    expect(format).toBe('pytorch');
    expect([...entries.keys()]).toEqual(Object.keys(tensors));
    for (const [key, want] of Object.entries(tensors)) {
      const tensor = await read(key);
      expect(pythonDtypes[tensor.dtype], key).toBe(want.dtype);
      expect(entries.get(key)).toMatchObject({ dtype: tensor.dtype, shape: want.shape });
      expect(printed(tensor), key).toEqual(want.values);

      const floats = new Float32Array(want.values.length + 3).fill(9);
      await readInto(key, floats, 2);
      expect(floats, key).toEqual(Float32Array.of(9, 9, ...Array.from(tensor.data as ArrayLike<number>, Number), 9));
    }
  });

  it('keeps what is no tensor as plain values', async () => {
    const { values } = await open(golden('checkpoint.pth'));
    expect(values.get('iteration')).toBe(1249);
    expect(values.get('name')).toBe('größer');
    expect(values.get('optimizer.param_groups.0.betas')).toEqual([0.9, 0.999]);
  });

  it.each([2, 3, 4, 5])('reads the plain values of protocol %i', async (protocol) => {
    const { values } = await open(golden(`plain${protocol}.pth`));
    expect(Object.fromEntries(values)).toEqual({
      size: [1, 2],
      device: 'cuda:1',
      dtype: 'torch.bfloat16',
      layout: 'torch.strided',
      set: [1],
      frozenset: ['a'],
      bytes: Uint8Array.of(0, 255),
      no_bytes: new Uint8Array(0),
      bytearray: Uint8Array.of(120),
      integers: [0, -5, 70000, 2 ** 40, -(2 ** 40), 2n ** 80n, -(2n ** 64n)],
      float: 1.5,
      none: null,
      truth: [true, false],
      'defaultdict.a.b': 1,
      tuple: [1, 'two', 3],
      'nested.1.1': 4,
    });
  });

  it('saved without checksums is read only when that is asked for', async () => {
    await expect(openWeights(golden('unchecked.pth'))).rejects.toThrow(/saved under torch.serialization.set_crc32_options\(False\).*verifyChecksums: false/);
    const { read } = await open(golden('unchecked.pth'), { verifyChecksums: false });
    expect((await read('a')).data).toEqual(Float32Array.of(1, 2));
  });

  it.each([
    ['calls_system', /wants to call posix\.system, .* Nothing was executed/],
    ['calls_system4', /wants to call posix\.system/],
    ['calls_inst', /wants to call os\.system/],
    ['calls_eval', /wants to call __builtin__\.eval/],
    ['calls_exec', /wants to call builtins\.exec/],
    ['calls_getattr', /wants to call builtins\.getattr/],
    ['calls_import', /wants to call builtins\.__import__/],
    ['calls_load', /wants to call torch\.serialization\.load/],
    ['calls_hub', /wants to call torch\.hub\.load/],
    ['module', /wants to call torch\.nn\.modules\.linear\.Linear.*torch\.save\(model\.state_dict\(\)/],
    ['sparse', /_rebuild_sparse_tensor.*to_dense/],
    ['float8', /type torch\.float8_e4m3fn, which is not read/],
    ['complex', /type torch\.ComplexFloatStorage, which is not read/],
    ['legacy', /PyTorch before 1\.6.*torch\.save/],
    ['torchscript', /TorchScript.*torch\.jit\.load/],
  ])('%s is refused by name', async (name, message) => {
    const failure = openWeights(golden(`${name}.pth`));
    await expect(failure).rejects.toThrow(WeightsError);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow(golden(`${name}.pth`));
  });
});
