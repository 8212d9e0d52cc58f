import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { multiCropRecipe } from '@dinov2/augment';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { openDataset } from './dataset';
import { decodeImage } from './decode';
import { loadEvaluationImages } from './evaluation-images';
import { createLoader } from './loader';
import { newFolder, put, wave } from './pictures.testing';
import { readSample } from './sample';
import { openSource } from './source';
import golden from './tar-files.golden.json';
import { openTarFile } from './tar-members';

const folder = newFolder();
const recipe = multiCropRecipe({ globalSize: 28, localSize: 14, localCount: 1 });
let count = 0;

async function tarOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, Buffer.from(content));
  tar.finalize();
  return buffer(tar);
}

const putTar = (content: Uint8Array, name = `${count++}.tar`) => put(folder, name, content);

async function pictures(files: number): Promise<Record<string, Buffer>> {
  return Object.fromEntries(await Promise.all(Array.from({ length: files }, async (_, i) => [`${i}.jpg`, await wave(40, 30, i).jpeg().toBuffer()] as const)));
}

describe('openTarFile', () => {
  it.each(['ustar', 'gnu', 'pax'] as const)('finds the members of a file of Python in the %s format', (format) => {
    const { zlib, members } = golden[format];
    const path = putTar(inflateSync(Buffer.from(zlib, 'base64')));
    const tar = openTarFile(path);
    const found = tar.members.map((member) => ({ ...member, sha256: createHash('sha256').update(tar.read(member)).digest('hex') }));
    expect(found).toEqual(members);
    tar.close();
  });

  it('finds whatever tar-stream packs', async () => {
    const name = fc.string({ minLength: 1, maxLength: 300, unit: fc.constantFrom('a', 'ö', '/', 'x', '.', ' ', '=') }).filter((text) => !text.endsWith('/') && !text.startsWith('/') && !text.includes('//'));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, fc.uint8Array({ maxLength: 1500 }), { maxKeys: 6 }), async (files) => {
        const tar = openTarFile(putTar(await tarOf(files), 'packed.tar'));
        expect(tar.members.map((member) => [member.name, new Uint8Array(tar.read(member))])).toEqual(Object.entries(files));
        tar.close();
      }),
      { numRuns: 50 },
    );
  });

  it('gives sizes beyond what octal digits hold', async () => {
    const content = await tarOf({ 'a.jpg': 'x' });
    // 9 GiB in base 256, as GNU tar writes it; the sum of the header is kept right by hand.
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size.writeUIntBE(9 * 2 ** 30, 6, 6);
    size.copy(content, 124);
    const sum = content.subarray(0, 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
    content.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const tar = openTarFile(putTar(content));
    expect(tar.members).toEqual([{ name: 'a.jpg', offset: 512, length: 9 * 2 ** 30 }]);
    tar.close();
  });

  it('says what is wrong', async () => {
    const whole = await tarOf({ 'a.jpg': 'abc', 'b.jpg': 'def' });
    expect(() => openTarFile(join(folder, 'gone.tar'))).toThrow(/cannot read the tar file .*gone\.tar: ENOENT/);
    expect(() => openTarFile(putTar(Buffer.from('\x1f\x8bzipped'.padEnd(600), 'latin1')))).toThrow(/is compressed, so that images in it cannot be read in place; unpack it to a plain \.tar/);
    expect(() => openTarFile(putTar(Buffer.alloc(600, 'words ')))).toThrow(/is no tar file; pass a \.tar, a list or a folder of images/);
    expect(() => openTarFile(putTar(Buffer.from('short')))).toThrow(/is no tar file/);
    const damaged = Buffer.from(whole);
    damaged[1024 + 3] ^= 1;
    expect(() => openTarFile(putTar(damaged))).toThrow(/has no tar header at byte 1024; it is damaged: copy it again/);
  });
});

describe('openSource with tar files', () => {
  it('reads images in place as they are read from files', async () => {
    const files = await pictures(4);
    const path = putTar(await tarOf({ 'notes.txt': 'no image', ...files, '.hidden/x.jpg': 'x', 'more/._0.jpg': 'x' }));
    const source = openSource(path);
    expect(source.paths).toEqual([path, path, path, path]);
    expect(source.classes).toEqual([]);
    for (const [i, file] of Object.values(files).entries()) {
      const { offset, length } = source.spans![i]!;
      expect(readFileSync(path).subarray(offset, offset + length)).toEqual(file);
      const { image } = await readSample(source, i);
      expect(image).toEqual(await decodeImage(file));
    }
    const unpacked = { ...source, spans: undefined, paths: Object.entries(files).map(([name, file]) => put(folder, `unpacked/${name}`, file)) };
    const batch = async (of: typeof source) => {
      for await (const { images, indices } of loadEvaluationImages(of, { resize: 28, crop: 28, workers: 1 })) return { images, indices };
      return undefined;
    };
    expect(await batch(source)).toEqual(await batch(unpacked as never));
    const crops = async (of: typeof source) => {
      const loader = createLoader({ source: of, recipe, batchSize: 3, seed: 1, workers: 1 });
      const { value } = await loader.next();
      await loader.close();
      return { ...value!, waitMs: 0 };
    };
    expect(await crops(source)).toEqual(await crops(unpacked as never));
  });

  it('takes classes from beside the images', async () => {
    const image = await wave(20, 20).png().toBuffer();
    const path = putTar(
      await tarOf({
        'x/10.png': image,
        'x/10.cls': '12\n',
        'x/11.seg.png': image,
        'x/11.json': '{"label": 7, "caption": "…"}',
        'x/12.png': image,
        'x/12.json': '{"cls": "9"}',
        'x/13.png': image,
        'x/13.json': 'damaged',
        'y/10.png': image,
      }),
    );
    const source = openSource(path);
    expect(source.classes).toEqual(['7', '9', '12']);
    expect([...source.labels]).toEqual([2, 0, 1, -1, -1]);
    expect(() => openDataset(path, { requireLabels: true })).toThrow(/2 of the 5 images of .* have no class/);
  });

  it('takes a folder of shards in the order of their names', async () => {
    const shards = newFolder();
    const files = await pictures(3);
    for (const [i, [name, file]] of Object.entries(files).entries()) put(shards, `sub/shard-${2 - i}.tar`, await tarOf({ [name]: file }));
    const source = openSource(shards);
    expect(source.paths).toEqual(['sub/shard-0.tar', 'sub/shard-1.tar', 'sub/shard-2.tar'].map((name) => join(shards, name)));
    expect(openDataset(shards)).toEqual(source);
    put(shards, 'one.jpg', '');
    expect(() => openSource(shards)).toThrow(/holds both images and tar files; put them into two folders and pass one/);
  });

  it('counts an image that is cut off as one that cannot be read', async () => {
    const whole = await tarOf(await pictures(3));
    const source = openSource(putTar(whole));
    for (const end of [source.spans![2]!.offset + 100, source.spans![1]!.offset + 1]) {
      const cut = openSource(putTar(whole.subarray(0, end)));
      const readable = source.spans!.filter((span) => span!.offset + span!.length <= end).length;
      expect(cut.paths.length).toBe(readable + 1);
      const skipped = [];
      for await (const batch of loadEvaluationImages(cut, { resize: 28, crop: 28, workers: 1 })) skipped.push(...batch.skipped);
      expect(skipped).toEqual([{ path: cut.paths[0], index: readable, span: cut.spans![readable], reason: expect.stringMatching(/the file ends at byte \d+, inside the image at \d+ of \d+ bytes; it was cut/) as string }]);
    }
  });

  it('says so when there is no image', async () => {
    expect(() => openSource(putTar(Buffer.alloc(1024)))).toThrow(/no images among the 0 files in .*; pass tar files of \.jpg/);
    const texts = putTar(await tarOf({ 'a.txt': 'a', 'b.txt': 'b' }));
    expect(() => openSource(texts)).toThrow(/no images among the 2 files in/);
    expect(() => openSource(put(folder, 'a.tar.gz', Buffer.from('\x1f\x8b', 'latin1')))).toThrow(/a\.tar\.gz is compressed/);
  });

  it('names the place of an image that fails', async () => {
    const path = putTar(await tarOf({ 'a.jpg': 'words', 'b.jpg': 'words' }));
    const loader = createLoader({ source: openSource(path), batchSize: 1, seed: 0, workers: 1 });
    await expect(loader.next()).rejects.toThrow(/none of the 2 images can be read; the first failure was .*\.tar at byte \d+: /);
    expect(loader.skippedFiles.map(({ span }) => span!.length)).toEqual([5, 5]);
  });
});
