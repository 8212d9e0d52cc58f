import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { readGolden, symmetric } from '../../../../tests/support/golden';
import { averageWindows, slidingWindows } from './sliding-window';

const length = fc.integer({ min: 1, max: 40 });

describe('sliding windows', () => {
  it('average to what numpy gives', () => {
    const windows = slidingWindows(11, 13, [5, 6], [3, 4]);
    expect(windows.map(({ top, left }) => [top, left])).toEqual([0, 3, 6].flatMap((top) => [0, 4, 7].map((left) => [top, left])));
    const parts = windows.map((window, i) => ({ window, data: symmetric(400 + i, 60) }));
    expectAllclose(averageWindows(parts, 11, 13, 2), readGolden('dense').windows!.data, { rtol: 1e-5, atol: 1e-7 });
  });

  it('cover every pixel, lie inside, and have the window’s size or the picture’s', () => {
    fc.assert(
      fc.property(length, length, length, length, length, (height, width, side, stride, wide) => {
        const step = Math.min(stride, side, wide);
        const windows = slidingWindows(height, width, [side, wide], [step, step]);
        const covered = new Uint8Array(height * width);
        for (const window of windows) {
          expect([window.height, window.width]).toEqual([Math.min(side, height), Math.min(wide, width)]);
          expect(window.top + window.height).toBeLessThanOrEqual(height);
          expect(window.left + window.width).toBeLessThanOrEqual(width);
          for (let y = 0; y < window.height; y++) covered.fill(1, (window.top + y) * width + window.left, (window.top + y) * width + window.left + window.width);
        }
        expect(covered.every((one) => one === 1)).toBe(true);
      }),
    );
  });

  it('refuse a stride of nothing', () => {
    expect(() => slidingWindows(10, 10, [5, 5], [0, 5])).toThrow('stride 0 × 5');
  });
});
