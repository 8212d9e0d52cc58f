import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { DataError } from './error';
import { decodeImage } from './decode';
import { newFolder, put, wave } from './pictures.testing';

const folder = newFolder();

/** Mean absolute difference of an image file from the wave of the same size. */
async function distance(path: string, width = 60, height = 40): Promise<number> {
  const image = await decodeImage(path);
  expect([image.width, image.height]).toEqual([width, height]);
  const expected = await wave(width, height).raw().toBuffer();
  expect(image.data.length).toBe(expected.length);
  return image.data.reduce((sum, v, i) => sum + Math.abs(v - expected[i]), 0) / expected.length;
}

describe('decodeImage', () => {
  it('gives the bytes of PIL for a JPEG', async () => {
    const { jpeg } = JSON.parse(
      readFileSync(new URL('../../../tests/golden/data/images.json', import.meta.url), 'utf8'),
    ) as { jpeg: { file: string; width: number; height: number; output: string } };
    const image = await decodeImage(put(folder, 'pil.jpg', Buffer.from(jpeg.file, 'base64')));
    expect([image.width, image.height]).toEqual([jpeg.width, jpeg.height]);
    expect(Buffer.from(image.data).equals(Buffer.from(jpeg.output, 'base64'))).toBe(true);
  });

  it('reads every format', async () => {
    const image = () => wave(60, 40);
    const exact = {
      'a.png': await image().png().toBuffer(),
      'palette-free.tif': await image().tiff({ compression: 'lzw' }).toBuffer(),
      'lossless.webp': await image().webp({ lossless: true }).toBuffer(),
      '16bit.png': await image().toColourspace('rgb16').png().toBuffer(),
    };
    for (const [name, content] of Object.entries(exact)) {
      expect(await distance(put(folder, name, content)), name).toBe(0);
    }
    const lossy: Record<string, [Buffer, number]> = {
      'a.jpg': [await image().jpeg({ quality: 95 }).toBuffer(), 3],
      'progressive.JPEG': [await image().jpeg({ quality: 95, progressive: true }).toBuffer(), 3],
      'lossy.webp': [await image().webp({ quality: 95 }).toBuffer(), 4],
      'a.gif': [await image().gif().toBuffer(), 12], // 256 colours
      'palette.png': [await image().png({ palette: true }).toBuffer(), 12],
      // Out to a press profile and back: the gamut is smaller.
      'cmyk.jpg': [await image().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(), 25],
    };
    for (const [name, [content, limit]] of Object.entries(lossy)) {
      expect(await distance(put(folder, name, content)), name).toBeLessThan(limit);
    }
  });

  it('spreads gray over three channels', async () => {
    for (const [name, content] of Object.entries({
      'gray.png': await wave(20, 20).grayscale().png().toBuffer(),
      'gray.jpg': await wave(20, 20).grayscale().jpeg().toBuffer(),
      'gray16.png': await wave(20, 20).toColourspace('grey16').png().toBuffer(),
      'gray-alpha.png': await wave(20, 20).grayscale().ensureAlpha(0.5).png().toBuffer(),
    })) {
      const { data } = await decodeImage(put(folder, name, content));
      expect(data.length, name).toBe(20 * 20 * 3);
      for (let i = 0; i < data.length; i += 3) {
        expect(data[i + 1]).toBe(data[i]);
        expect(data[i + 2]).toBe(data[i]);
      }
      expect(new Set(data).size, name).toBeGreaterThan(10);
    }
  });

  it('drops alpha without blending', async () => {
    const path = put(folder, 'alpha.png', await wave(60, 40).ensureAlpha(0.2).png().toBuffer());
    expect(await distance(path)).toBe(0);
  });

  it('reads the first frame of an animation', async () => {
    const frames = await Promise.all([wave(60, 40), wave(60, 40, 2)].map((f) => f.png().toBuffer()));
    const path = put(folder, 'moving.gif', await sharp(frames, { join: { animated: true } }).gif().toBuffer());
    expect((await sharp(path).metadata()).pages).toBe(2);
    expect(await distance(path)).toBeLessThan(12);
  });

  it('turns by EXIF orientation only when asked', async () => {
    const path = put(folder, 'turned.jpg', await wave(60, 40).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    expect(await decodeImage(path)).toMatchObject({ width: 60, height: 40 });
    const turned = await decodeImage(path, { autoOrient: true });
    expect(turned).toMatchObject({ width: 40, height: 60 });
    // Orientation 6: turn clockwise, so the first row comes from the first column, bottom up.
    const plain = await decodeImage(path);
    expect(turned.data[0]).toBe(plain.data[39 * 60 * 3]);
  });

  it('refuses what cannot be used, with a reason', async () => {
    const jpeg = await wave(200, 200).jpeg().toBuffer();
    const cases = {
      'truncated.jpg': [jpeg.subarray(0, jpeg.length >> 1), /damaged or cut off/],
      'empty.jpg': ['', /(empty|unsupported|contains)/i],
      'text.jpg': ['not an image', /unsupported image format/],
      'tiny.png': [await wave(7, 300).png().toBuffer(), /7 × 300 pixels; sides below 8 are not used/],
    } as const;
    for (const [name, [content, reason]] of Object.entries(cases)) {
      await expect(decodeImage(put(folder, name, content)), name).rejects.toThrow(reason);
    }
    await expect(decodeImage(`${folder}/missing.jpg`)).rejects.toThrow(/missing/);
    await expect(decodeImage(new Uint8Array(0))).rejects.toThrow(DataError);
  });
});
