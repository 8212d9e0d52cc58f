import { heat } from '@dinov2/evaluation';

/** Values that the darkest and the lightest colour stand for. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

const STEPS = 1024;
let ramp: Uint8Array | undefined;

/** Values (N,) as RGBA in `heat`'s colours over a given range. */
export function heatInRange(values: Float32Array, { low, high }: Range): Uint8ClampedArray<ArrayBuffer> {
  // `heat` gives the last colour to the brightest 1 %: those are beyond the steps here.
  ramp ??= heat(Float32Array.from({ length: STEPS + Math.ceil(STEPS / 50) }, (_, i) => Math.min(i, STEPS - 1)));
  const rgba = new Uint8ClampedArray(values.length * 4).fill(255);
  const scale = (STEPS - 1) / Math.max(high - low, 1e-12);
  for (let i = 0; i < values.length; i++) {
    const step = Math.round(Math.min(STEPS - 1, Math.max(0, (values[i]! - low) * scale)));
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = ramp[step * 3 + c]!;
  }
  return rgba;
}

/** From the least value to the one below which 99 % lie. */
export function rangeOf(parts: readonly Float32Array[]): Range {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  all.sort();
  return { low: all[0] ?? 0, high: all[Math.min(all.length - 1, Math.floor(0.99 * all.length))] ?? 1 };
}
