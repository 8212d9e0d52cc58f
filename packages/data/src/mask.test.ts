import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readMask } from './mask';
import { newFolder, put, wave } from './pictures.testing';

interface Golden {
  masks: { name: string; file: string; width: number; height: number; values: number[] }[];
  refused: Record<string, string>;
}

/** Written and read by PIL, see pixel-files.golden.py. */
const golden = JSON.parse(readFileSync(new URL('./pixel-files.golden.json', import.meta.url), 'utf8')) as Golden;
const folder = newFolder();
const bytes = (text: string) => Buffer.from(text, 'base64');

describe('readMask', () => {
  it.each(golden.masks)('reads $name as PIL does', async ({ name, file, width, height, values }) => {
    const mask = await readMask(put(folder, `${name}.${name === 'TIFF' ? 'tif' : 'png'}`, bytes(file)), { width, height });
    expect([mask.width, mask.height]).toEqual([width, height]);
    expect([...mask.data]).toEqual(values);
    expect(mask.data).toBeInstanceOf(name === '16 bits' ? Int32Array : Uint8Array);
  });

  it('reads what sharp writes, plain, interlaced and with a palette', async () => {
    const size = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(size, size, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), fc.boolean(), async (width, height, stream, progressive) => {
        const data = Uint8Array.from(stream.take(width * height));
        const path = put(folder, 'any.png', await sharp(data, { raw: { width, height, channels: 1 } }).toColourspace('b-w').png({ progressive }).toBuffer());
        expect((await readMask(path)).data).toEqual(data);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses another size, colours, lossy formats and broken files', async () => {
    const mask = put(folder, 'small.png', await wave(8, 6).toColourspace('b-w').png().toBuffer());
    await expect(readMask(mask, { width: 6, height: 8 })).rejects.toThrow(/the mask .*small\.png has 8 × 6 pixels, its image 6 × 8/);
    await expect(readMask(put(folder, 'colours.png', bytes(golden.refused['colours.png'])))).rejects.toThrow(/has 3 channels of colour/);
    await expect(readMask(put(folder, 'a.jpg', await wave(8, 8).jpeg().toBuffer()))).rejects.toThrow(/is jpeg, which does not keep numbers/);
    await expect(readMask(put(folder, 'words.png', 'words'))).rejects.toThrow(/cannot read the mask .*words\.png: .*unsupported image format/);
    const whole = await wave(64, 64).toColourspace('b-w').png().toBuffer();
    await expect(readMask(put(folder, 'half.png', whole.subarray(0, whole.length >> 1)))).rejects.toThrow(/cannot read the mask .*half\.png/);
    await expect(readMask(`${folder}/none.png`)).rejects.toThrow(/cannot read the mask .*no such file/);
  });
});
