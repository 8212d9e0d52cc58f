import type { Rectangle } from '@dinov2/augment';
import type { RgbImage } from './decode';
import { type FilterName, resampleFilter } from './resample-filter';

/**
 * Resize without rounding to 8 bits between or after the passes, as PyTorch resizes float tensors:
 * the same antialiased filters with float32 weights, horizontal pass first, float32 between the passes.
 *
 * @returns the window of the resized picture, (height, width, 3) intensities; bicubic ones may lie
 * outside 0 … 255.
 */
export function resampleFloat(
  { data, width: sourceWidth, height: sourceHeight }: RgbImage,
  { width, height, window, filter }: { width: number; height: number; window: Rectangle; filter: FilterName },
): Float32Array<ArrayBuffer> {
  const across = resampleFilter(filter, sourceWidth, width, window.left, window.width, Math.fround);
  const down = resampleFilter(filter, sourceHeight, height, window.top, window.height, Math.fround);
  const firstRow = down.starts[0];
  const rows = down.starts[window.height - 1] + down.counts[window.height - 1] - firstRow;

  const line = window.width * 3;
  const narrowed = new Float32Array(rows * line);
  for (let row = 0; row < rows; row++) {
    const from = (firstRow + row) * sourceWidth * 3;
    for (let x = 0; x < window.width; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let at = from + across.starts[x] * 3;
      for (let tap = x * across.taps; tap < x * across.taps + across.counts[x]; tap++) {
        const weight = across.weights[tap];
        red += weight * data[at];
        green += weight * data[at + 1];
        blue += weight * data[at + 2];
        at += 3;
      }
      const to = row * line + x * 3;
      narrowed[to] = red;
      narrowed[to + 1] = green;
      narrowed[to + 2] = blue;
    }
  }

  const output = new Float32Array(window.height * line);
  const sum = new Float64Array(line);
  for (let y = 0; y < window.height; y++) {
    sum.fill(0);
    for (let tap = 0; tap < down.counts[y]; tap++) {
      const weight = down.weights[y * down.taps + tap];
      const from = (down.starts[y] - firstRow + tap) * line;
      for (let i = 0; i < line; i++) sum[i] += weight * narrowed[from + i];
    }
    output.set(sum, y * line);
  }
  return output;
}
