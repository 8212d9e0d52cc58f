import { resampleMap } from './bilinear';
import { type DenseInput, extractAll, type ImageTokens, type Padding } from './features';
import { cut, mirror, type RgbImage, type Window } from './raster';
import { fittedSize, resizeImage } from './resize';
import { averageWindows, slidingWindows } from './sliding-window';

/** How a picture is looked at when a head is tested. */
export interface DenseTest {
  /** Shorter side that pictures are resized to, in pixels; their own by default. */
  readonly shortSide?: number;
  /** Longer side they may reach. */
  readonly longSide?: number;
  /** [height, width] of sliding windows; by default the whole picture is one. */
  readonly window?: readonly [number, number];
  /** Steps between windows; by default two thirds of the window. */
  readonly stride?: readonly [number, number];
  /** Factors of the resize whose results are averaged. Default [1]. */
  readonly scales?: readonly number[];
  /** Average with the mirrored picture. */
  readonly flip?: boolean;
}

/** A map that a head makes of one image's tokens; it covers the padded image. */
export interface HeadMap {
  /** (height, width, channels) */
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** One resized, possibly mirrored, version of a picture and the windows over it. */
interface Version {
  readonly width: number;
  readonly height: number;
  readonly flipped: boolean;
  readonly windows: readonly Window[];
}

function versionsOf(image: RgbImage, test: DenseTest): Version[] {
  const { scales = [1], flip = false, shortSide = Math.min(image.width, image.height), longSide = Infinity } = test;
  return scales.flatMap((scale) => {
    const { width, height } = fittedSize(image, shortSide * scale, longSide * scale);
    const window = test.window ?? [height, width];
    const stride = test.stride ?? [Math.ceil((window[0] * 2) / 3), Math.ceil((window[1] * 2) / 3)];
    const windows = slidingWindows(height, width, window, stride);
    return (flip ? [false, true] : [false]).map((flipped) => ({ width, height, flipped, windows }));
  });
}

/** Number of pictures sent through the network for one image. */
export function passesPerImage(image: RgbImage, test: DenseTest): number {
  return versionsOf(image, test).reduce((sum, { windows }) => sum + windows.length, 0);
}

/**
 * The head's map (height, width, channels) of each picture at the picture's size, by mmsegmentation's
 * conventions: within a version, windows are averaged as the head gives them (logits); the average is resized
 * to the picture; `finish` is applied (softmax); versions are averaged.
 */
export async function inferMaps(
  images: readonly RgbImage[],
  test: DenseTest,
  input: DenseInput,
  channels: number,
  head: (tokens: ImageTokens) => Promise<HeadMap>,
  finish?: (map: Float32Array) => void,
): Promise<Float32Array[]> {
  const versions = images.map((image) => versionsOf(image, test));
  const pictures = images.flatMap((image, i) =>
    versions[i]!.flatMap(({ width, height, flipped, windows }) => {
      const resized = resizeImage(image, width, height);
      const turned = flipped ? mirror(resized, 3) : resized;
      return windows.map((window) => cut(turned, 3, window));
    }),
  );
  const tokens = await extractAll(pictures, input);

  let next = 0;
  const results: Float32Array[] = [];
  for (const [i, image] of images.entries()) {
    const mean = new Float32Array(image.width * image.height * channels);
    for (const version of versions[i]!) {
      const parts: WindowMap[] = [];
      for (const window of version.windows) {
        const one = tokens[next++]!;
        parts.push({ window, padding: one.padding, map: await head(one) });
      }
      const data = joinWindows(parts, version, image, channels);
      finish?.(data);
      const straight = version.flipped ? mirror({ data, width: image.width, height: image.height }, channels).data : data;
      for (let k = 0; k < mean.length; k++) mean[k]! += straight[k]! / versions[i]!.length;
    }
    results.push(mean);
  }
  return results;
}

interface WindowMap {
  readonly window: Window;
  readonly padding: Padding;
  readonly map: HeadMap;
}

/** Numbers of an enlarged version that may exist at a time: 64 MB. Scales of 3 with 150 classes would hold gigabytes. */
const heldNumbers = 2 ** 24;

/** Windows of a version enlarged, averaged, and resized to the image, a few channels at a time. */
function joinWindows(parts: readonly WindowMap[], { width, height }: Version, image: RgbImage, channels: number): Float32Array {
  const out = new Float32Array(image.width * image.height * channels);
  const step = Math.min(channels, Math.max(1, Math.floor(heldNumbers / (width * height))));
  for (let first = 0; first < channels; first += step) {
    const count = Math.min(step, channels - first);
    const enlarged = parts.map(({ window, padding, map }) => {
      const some = { ...map, data: takeChannels(map.data, channels, first, count) };
      return { window, data: resampleMap(some, count, [padding.height, padding.width], padding.image) };
    });
    const whole = averageWindows(enlarged, height, width, count);
    const same = width === image.width && height === image.height;
    const resized = same ? whole : resampleMap({ data: whole, height, width }, count, [image.height, image.width]);
    if (count === channels) return resized;
    for (let pixel = 0; pixel < image.width * image.height; pixel++) {
      for (let c = 0; c < count; c++) out[pixel * channels + first + c] = resized[pixel * count + c]!;
    }
  }
  return out;
}

function takeChannels(data: Float32Array, channels: number, first: number, count: number): Float32Array {
  if (count === channels) return data;
  return Float32Array.from({ length: (data.length / channels) * count }, (_, i) => data[Math.floor(i / count) * channels + first + (i % count)]!);
}
