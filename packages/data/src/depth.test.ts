import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { readDepth } from './depth';
import { newFolder, put, wave } from './pictures.testing';

interface Golden {
  depths: { name: string; file: string; width: number; height: number; values: number[] }[];
  refused: Record<string, string>;
}

/** Written by NumPy and PIL, see pixel-files.golden.py. */
const golden = JSON.parse(readFileSync(new URL('./pixel-files.golden.json', import.meta.url), 'utf8')) as Golden;
const folder = newFolder();
const bytes = (text: string) => Buffer.from(text, 'base64');

describe('readDepth', () => {
  it.each(golden.depths)("gives NumPy's values of $name", async ({ name, file, width, height, values }) => {
    const depth = await readDepth(put(folder, name, bytes(file)), { size: { width, height } });
    expect([depth.width, depth.height]).toEqual([width, height]);
    // Both round a product of float64 to float32; the last bit of 1/1000 may differ.
    expectAllclose(depth.data, values, { atol: 0, rtol: 1.2e-7 });
    expect([...depth.data].map((v) => v === 0)).toEqual(values.map((v) => v === 0));
  });

  it('takes metres per unit, as for KITTI', async () => {
    const { file } = golden.depths.find(({ name }) => name === '16 bits.png')!;
    const path = put(folder, 'kitti.png', bytes(file));
    const millimetres = (await readDepth(path)).data.map((v) => Math.round(v * 1000));
    const kitti = await readDepth(path, { scale: 1 / 256 });
    expect([...kitti.data]).toEqual([...millimetres].map((v) => v / 256)); // exact in float32: 16 bits
  });

  it('refuses 8 bits without a scale', async () => {
    const path = put(folder, 'gray.png', await wave(8, 6).toColourspace('b-w').png().toBuffer());
    await expect(readDepth(path)).rejects.toThrow(/the depth map .*gray\.png has 8 bits.*pass scale/);
    expect((await readDepth(path, { scale: 0.5 })).data.every((v) => v > 0 && Number.isInteger(v * 2))).toBe(true);
  });

  it('says why a map cannot be read', async () => {
    const reasons = {
      'big-endian.npy': /holds '>f4'.*astype/,
      'int64.npy': /holds '<i8'/,
      'fortran.npy': /in Fortran's order/,
      'vector.npy': /its shape is \(30\); expected \(height, width\)/,
      'colours.png': /depth map .*colours\.png has 3 channels/,
    };
    for (const [name, reason] of Object.entries(reasons)) {
      await expect(readDepth(put(folder, name, bytes(golden.refused[name]))), name).rejects.toThrow(reason);
    }
    const float32 = bytes(golden.depths[0].file);
    await expect(readDepth(put(folder, 'half.npy', float32.subarray(0, float32.length - 5)))).rejects.toThrow(/is truncated/);
    await expect(readDepth(put(folder, 'start.npy', float32.subarray(0, 8)))).rejects.toThrow(/is truncated/);
    await expect(readDepth(put(folder, 'words.npy', 'words'))).rejects.toThrow(/it is no NumPy file/);
    await expect(readDepth(put(folder, 'whole.npy', float32), { size: { width: 6, height: 5 } })).rejects.toThrow(
      /has 5 × 6 pixels, its image 6 × 5/,
    );
  });
});
