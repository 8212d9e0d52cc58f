import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { blank, enlarge, onGrey, png, sheet } from './picture';

describe('pictures', () => {
  const two = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1 };

  it('are enlarged without new colours', () => {
    expect(enlarge(two, 2)).toEqual({ data: Uint8Array.of(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6), width: 4, height: 2 });
  });

  it('stand beside and below each other with gaps of white', async () => {
    const all = sheet([[blank(2, 3, [9, 9, 9]), two], [two]], 1);
    expect([all.width, all.height]).toEqual([5, 5]);
    const at = (x: number, y: number) => [...all.data.subarray((y * 5 + x) * 3, (y * 5 + x) * 3 + 3)];
    expect([at(0, 0), at(2, 0), at(3, 0), at(4, 0), at(3, 1), at(1, 4), at(0, 3)]).toEqual([[9, 9, 9], [255, 255, 255], [1, 2, 3], [4, 5, 6], [255, 255, 255], [4, 5, 6], [255, 255, 255]]);
    const read = await sharp(await png(all)).raw().toBuffer({ resolveWithObject: true });
    expect([read.info.width, read.info.height, [...read.data]]).toEqual([5, 5, [...all.data]]);
  });

  it('show what is masked away as grey', () => {
    expect(onGrey(Uint8ClampedArray.of(1, 2, 3, 255, 1, 2, 3, 0), 2).data).toEqual(Uint8Array.of(1, 2, 3, 128, 128, 128));
  });
});
