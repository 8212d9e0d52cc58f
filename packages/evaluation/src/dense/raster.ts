/** Pixels row by row, `channels` numbers each. */
export interface Raster<T extends Pixels = Pixels> {
  readonly data: T;
  readonly width: number;
  readonly height: number;
}

export type Pixels = Uint8Array | Int32Array | Float32Array;

/** (height, width, 3), red, green and blue from 0 to 255. */
export type RgbImage = Raster<Uint8Array>;

/** (height, width) class numbers from 0 up; 255 is a pixel that does not count. */
export type LabelMask = Raster<Uint8Array | Int32Array>;

/** (height, width) metres; 0 is unknown. */
export type DepthMap = Raster<Float32Array>;

/** A part of a raster, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** An array of the same kind as `data`, of zeros. */
export function arrayLike<T extends Pixels>(data: T, length: number): T {
  return new (data.constructor as new (length: number) => T)(length);
}

/** The part of a raster inside `window`; where the window reaches beyond, `fill` of each channel. */
export function cut<T extends Pixels>({ data, width, height }: Raster<T>, channels: number, window: Window, fill?: readonly number[]): Raster<T> {
  const out = arrayLike(data, window.width * window.height * channels);
  if (fill !== undefined) for (let i = 0; i < out.length; i++) out[i] = fill[i % channels]!;
  const from = Math.max(0, window.left);
  const to = Math.min(width, window.left + window.width);
  for (let row = 0; row < window.height; row++) {
    const y = window.top + row;
    if (y < 0 || y >= height || to <= from) continue;
    const line = data.subarray((y * width + from) * channels, (y * width + to) * channels);
    out.set(line, (row * window.width + from - window.left) * channels);
  }
  return { data: out, width: window.width, height: window.height };
}

/** Mirrored left to right. */
export function mirror<T extends Pixels>({ data, width, height }: Raster<T>, channels: number): Raster<T> {
  const out = arrayLike(data, data.length);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const column = pixel % width;
    const source = (pixel - column + width - 1 - column) * channels;
    for (let c = 0; c < channels; c++) out[pixel * channels + c] = data[source + c]!;
  }
  return { data: out, width, height };
}
