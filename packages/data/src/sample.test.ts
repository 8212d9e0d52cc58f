import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openDataset } from './dataset';
import { newFolder, put, wave } from './pictures.testing';
import { readSample } from './sample';

const gray = (width: number, height: number) => wave(width, height).toColourspace('b-w').png().toBuffer();
const gray16 = (width: number, height: number, value: number) =>
  sharp(new Uint16Array(width * height).fill(value), { raw: { width, height, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();

describe('readSample', () => {
  it('reads an image with its mask and depth map', async () => {
    const folder = newFolder();
    put(folder, 'images/1.jpg', await wave(20, 12).jpeg().toBuffer());
    put(folder, 'masks/1.png', await gray(20, 12));
    put(folder, 'depths/1.png', await gray16(20, 12, 2500));
    const { image, mask, depth } = await readSample(openDataset(folder), 0);
    expect([image.data.length, mask?.data.length, depth?.data.length]).toEqual([720, 240, 240]);
    expect(depth?.data[0]).toBe(2.5);
    expect((await readSample(openDataset(folder), 0, { depthScale: 1 / 250 })).depth?.data[0]).toBe(10);
    expect(Object.keys(await readSample({ paths: openDataset(folder).paths }, 0))).toEqual(['image']);
    await expect(readSample(openDataset(folder), 1)).rejects.toThrow(/no image 1; the data set has 1/);
  });

  it('refuses a mask or depth map of another size, and names a broken image', async () => {
    const folder = newFolder();
    put(folder, 'images/1.jpg', await wave(20, 12).jpeg().toBuffer());
    put(folder, 'masks/1.png', await gray(12, 20));
    await expect(readSample(openDataset(folder), 0)).rejects.toThrow(/the mask .*1\.png has 12 × 20 pixels, its image 20 × 12/);
    put(folder, 'masks/1.png', await gray(20, 12));
    put(folder, 'depths/1.png', await gray16(10, 6, 1));
    await expect(readSample(openDataset(folder), 0)).rejects.toThrow(/the depth map .*1\.png has 10 × 6 pixels, its image 20 × 12/);
    put(folder, 'images/1.jpg', 'words');
    await expect(readSample(openDataset(folder), 0)).rejects.toThrow(/cannot read the image .*1\.jpg: /);
  });
});
