import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor, openWeights, WeightsError, writeSafetensors } from '../index';

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'open-weights-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with these files: text, bytes, or tensors for a safetensors file. */
async function folderOf(files: Readonly<Record<string, string | Uint8Array | Record<string, HostTensor>>>): Promise<string> {
  const folder = await mkdtemp(join(root, 'folder-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(join(folder, name), content);
    else await writeSafetensors(join(folder, name), content);
  }
  return folder;
}

async function refused(path: string, message: RegExp): Promise<void> {
  const failure = openWeights(path);
  await expect(failure).rejects.toThrow(WeightsError);
  await expect(failure).rejects.toThrow(message);
}

const vector = (...values: number[]): HostTensor => ({ shape: [values.length], data: Float32Array.from(values) });

describe('openWeights', () => {
  it('tells files by their content, whatever their names', async () => {
    const folder = await folderOf({});
    await copyFile(golden('python.safetensors'), join(folder, 'a.pth'));
    await copyFile(golden('checkpoint.pth'), join(folder, 'b.safetensors'));
    for (const [name, format] of [['a.pth', 'safetensors'], ['b.safetensors', 'pytorch']] as const) {
      const file = await openWeights(join(folder, name));
      expect(file.format).toBe(format);
      await file.close();
    }
  });

  it.each([
    ['model.safetensors', ['model.safetensors', 'pytorch_model.bin', 'other.safetensors']],
    ['backbone.safetensors', ['backbone.safetensors', 'heads.safetensors']],
    ['teacher_checkpoint.pth', ['teacher_checkpoint.pth', 'log.txt']],
  ])('finds %s in a folder', async (expected, names) => {
    const folder = await folderOf({});
    for (const name of names) await copyFile(golden(name.endsWith('.safetensors') ? 'python.safetensors' : 'checkpoint.pth'), join(folder, name));
    const file = await openWeights(folder);
    expect(file.path).toBe(join(folder, expected));
    await file.close();
  });

  it('says what is in a folder without weights, and what several there are', async () => {
    await refused(await folderOf({ 'config.json': '{}', 'a.txt': '' }), /holds no weights: none of model\.safetensors.* It holds "a\.txt", "config\.json"/);
    await refused(await folderOf({ 'a.pth': 'x', 'b.pth': 'y' }), /several weights: "a\.pth", "b\.pth"\. Name the file/);
    await refused(await folderOf({ '.metadata': '', '__0_0.distcp': '' }), /torch\.distributed.*dcp_to_torch_save/);
    await refused(join(root, 'nowhere'), /ENOENT.*Check the path/);
  });

  it.each([
    ['empty', '', /is empty/],
    ['a web page', '<!DOCTYPE html><html></html>', /is a web page.*open its address/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n', /Git LFS pointer.*git lfs pull/],
    ['a bare pickle', '\x80\x04}.', /bare pickle/],
    ['JSON', '{"a": 1}', /no object "weight_map"/],
    ['something else', 'hello, world', /neither a safetensors file nor/],
  ])('names what a file is instead: %s', async (_, text, message) => {
    await refused(join(await folderOf({ 'a.bin': Buffer.from(text, 'latin1') }), 'a.bin'), message);
  });

  it.runIf(process.platform === 'linux')('does not wait for a pipe, nor read a device', async () => {
    const pipe = join(root, 'pipe');
    execFileSync('sh', ['-c', 'mkfifo "$0"', pipe]);
    await refused(pipe, /not a regular file/);
    await refused('/dev/zero', /not a regular file/);
  });
});

describe('readInto', () => {
  it('reads any type to float32 at an offset, and refuses what does not fit', async () => {
    const file = await openWeights(golden('python.safetensors'));
    const target = new Float32Array(8).fill(5);
    await file.readInto('i64', target, 1);
    await file.readInto('bool', target, 3);
    expect(target).toEqual(Float32Array.of(5, -(2 ** 63), 2 ** 63, 1, 0, 0, 1, 5));
    await expect(file.readInto('bool', target, 5)).rejects.toThrow(/"bool" .* 4 elements, which do not fit at offset 5 into an array of 8/);
    await expect(file.readInto('bool', target, -1)).rejects.toThrow(WeightsError);
    await expect(file.readInto('boolean', target)).rejects.toThrow(/no tensor "boolean"/);
    await file.close();
  });

  it('reads tensors larger than its buffers', async () => {
    // More than the 4 MiB that are converted at a time, and not a multiple of them.
    const count = (9 << 20) + 3;
    const bits = Uint16Array.from({ length: count }, (_, i) => (i * 40503) & 0x7f7f);
    const header = new TextEncoder().encode(JSON.stringify({ a: { dtype: 'BF16', shape: [count], data_offsets: [0, 2 * count] } }).padEnd(128));
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
    const path = join(root, 'large.safetensors');
    await writeFile(path, Buffer.concat([length, header, new Uint8Array(bits.buffer)]));
    const file = await openWeights(path);
    const target = new Float32Array(count);
    await file.readInto('a', target);
    await file.close();
    const expected = Uint32Array.from(bits, (half) => half << 16);
    expect(Buffer.from(target.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });
});

describe('a sharded file', () => {
  const index = (weightMap: unknown): string => JSON.stringify({ metadata: { total_size: 0 }, weight_map: weightMap });

  it('reads as one, however its tensors are spread', async () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 }).filter((all) => !all.includes('__metadata__'));
    await fc.assert(
      fc.asyncProperty(names, fc.infiniteStream(fc.nat(2)), async (all, spread) => {
        const shards: Record<string, [string, HostTensor][]> = {};
        const weightMap: [string, string][] = [];
        all.forEach((name, i) => {
          const shard = `model-${spread.next().value}.safetensors`;
          (shards[shard] ??= []).push([name, vector(i, i + 1)]);
          weightMap.push([name, shard]);
        });
        const files = Object.fromEntries(Object.entries(shards).map(([shard, tensors]) => [shard, Object.fromEntries(tensors)]));
        const folder = await folderOf({ ...files, 'model.safetensors.index.json': index(Object.fromEntries(weightMap)) });
        const file = await openWeights(folder);
        expect([...file.entries.keys()].sort()).toEqual([...all].sort());
        for (const [i, name] of all.entries()) {
          expect((await file.read(name)).data).toEqual(Float32Array.of(i, i + 1));
          const target = new Float32Array(3);
          await file.readInto(name, target, 1);
          expect(target).toEqual(Float32Array.of(0, i, i + 1));
        }
        await file.close();
      }),
      { numRuns: 10 },
    );
  });

  it('names missing shards', async () => {
    const folder = await folderOf({ 'a.safetensors': { x: vector(1) }, 'model.safetensors.index.json': index({ x: 'a.safetensors', y: 'b.safetensors', z: 'c.safetensors' }) });
    await refused(folder, /names 3 shards, of which "b\.safetensors", "c\.safetensors" are missing/);
  });

  it('refuses an index that its shards do not bear out', async () => {
    const shard = { x: vector(1), y: vector(2) };
    await refused(await folderOf({ 'a.safetensors': shard, 'model.safetensors.index.json': index({ x: 'a.safetensors', z: 'a.safetensors' }) }), /tensor "z" is not in "a\.safetensors"/);
    await refused(await folderOf({ 'a.safetensors': shard, 'model.safetensors.index.json': index({ x: 'a.safetensors' }) }), /"a\.safetensors" holds tensor "y", which the index does not/);
    await refused(await folderOf({ 'model.safetensors.index.json': index({}) }), /names 0 shards/);
    await refused(await folderOf({ 'model.safetensors.index.json': '{"weight_map": {"x": "a", "x": "b"}}' }), /has a name twice/);
    await refused(await folderOf({ 'a.json': index({ x: 'b.json' }), 'b.json': index({ x: 'a.json' }) }).then((folder) => join(folder, 'a.json')), /an index of shards where a shard should be/);
  });

  it.each(['../secret', '/etc/passwd', 'a/../../b', '..', '', 'C:\\b', 7])('refuses the shard %j', async (shard) => {
    await refused(await folderOf({ 'model.safetensors.index.json': index({ x: shard }) }), /not the plain name of a file/);
  });

  it('follows links, as folders of downloads have them', async () => {
    const blobs = await folderOf({ blob: { x: vector(1) } });
    const folder = await folderOf({ 'model.safetensors.index.json': index({ x: 'a.safetensors' }) });
    await symlink(join(blobs, 'blob'), join(folder, 'a.safetensors'));
    const file = await openWeights(folder);
    expect((await file.read('x')).data).toEqual(Float32Array.of(1));
    await file.close();
  });
});

describe('every flipped bit of a .pth file', () => {
  it('is found, or changes nothing', async () => {
    const original = await readFile(golden('tensors.pth'));
    const values = async (path: string): Promise<Record<string, unknown>> => {
      const file = await openWeights(path);
      try {
        return Object.fromEntries(await Promise.all([...file.entries.keys()].map(async (name) => [name, await file.read(name)] as const)));
      } finally {
        await file.close();
      }
    };
    const sound = await values(golden('tensors.pth'));
    const path = join(root, 'flipped.pth');
    let found = 0;
    for (let at = 0; at < original.length; at += 31) {
      const bytes = Buffer.from(original);
      bytes[at] ^= 1 << (at % 8);
      await writeFile(path, bytes);
      try {
        expect(await values(path), `byte ${at}`).toEqual(sound);
      } catch (error) {
        if (!(error instanceof WeightsError)) throw error;
        found++;
      }
    }
    expect(found).toBeGreaterThan(original.length / 31 / 4);
  });
});
