import { EvaluationError } from '../error';
import type { Window } from './raster';

/**
 * Windows that cover a picture: `window` pixels a side (or the picture's side, where that is less), every
 * `stride` pixels, the last ones moved back to end with the picture. The convention of mmsegmentation.
 */
export function slidingWindows(height: number, width: number, window: readonly [number, number], stride: readonly [number, number]): Window[] {
  if (![...window, ...stride].every((length) => Number.isInteger(length) && length > 0)) {
    throw new EvaluationError(`windows of ${window.join(' × ')} with stride ${stride.join(' × ')}; expected positive whole numbers`);
  }
  const starts = (length: number, size: number, step: number): number[] => {
    const count = Math.floor(Math.max(length - size + step - 1, 0) / step) + 1;
    return Array.from({ length: count }, (_, i) => Math.max(Math.min(i * step + size, length) - size, 0));
  };
  return starts(height, window[0], stride[0]).flatMap((top) =>
    starts(width, window[1], stride[1]).map((left) => ({
      top,
      left,
      height: Math.min(window[0], height),
      width: Math.min(window[1], width),
    })),
  );
}

/** Mean of maps (window height, window width, channels) over a picture, each pixel over the windows that hold it. */
export function averageWindows(
  parts: readonly { readonly window: Window; readonly data: Float32Array }[],
  height: number,
  width: number,
  channels: number,
): Float32Array {
  const first = parts[0]!;
  if (parts.length === 1 && first.window.height === height && first.window.width === width) return first.data;
  const sum = new Float32Array(height * width * channels);
  const count = new Uint16Array(height * width);
  for (const { window, data } of parts) {
    for (let y = 0; y < window.height; y++) {
      const row = (window.top + y) * width + window.left;
      const from = y * window.width * channels;
      for (let i = 0; i < window.width * channels; i++) sum[row * channels + i]! += data[from + i]!;
      for (let x = 0; x < window.width; x++) count[row + x]!++;
    }
  }
  for (let pixel = 0; pixel < count.length; pixel++) {
    for (let c = 0; c < channels; c++) sum[pixel * channels + c]! /= count[pixel]!;
  }
  return sum;
}
