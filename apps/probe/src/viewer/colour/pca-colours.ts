import { colourScores, type Features, pca, projectPca } from '@dinov2/evaluation';

export interface ColourRequest {
  /** Of each image, (N, D) quantised tokens and their (N,) scales. */
  readonly images: readonly { readonly values: Int8Array; readonly scales: Float32Array }[];
  /** Patches in a row of an image. */
  readonly columns: number;
  /** One basis for all images, or one for each. */
  readonly joint: boolean;
  /** Absent: all patches. */
  readonly mask?: {
    /** Share of the range of the first component, 0 … 1. */
    readonly threshold: number;
    /** Take the other side. */
    readonly flip: boolean;
  };
}

/** Of each image (N, 4) RGBA; patches that are masked away are transparent. */
export type Colours = Uint8ClampedArray<ArrayBuffer>[];

/** Rows that a basis is fitted to; more change it little and take longer. */
const MOST_ROWS = 1024;

/** Colour patches by three principal components, of all of them or of the foreground by the first component. */
export function pcaColours({ images, columns, joint, mask }: ColourRequest): Colours {
  const groups = joint ? [images.map((_, i) => i)] : images.map((_, i) => [i]);
  const colours: Colours = images.map(({ scales }) => new Uint8ClampedArray(scales.length * 4));
  for (const group of groups) {
    const patches = images[group[0]!]!.scales.length;
    const features = dequantise(group.map((i) => images[i]!));
    const rows = mask === undefined ? undefined : foreground(features, patches, columns, mask.threshold, mask.flip);
    const chosen = rows === undefined ? features : pick(features, rows);
    if (chosen.shape[0]! < 5) continue; // nothing left to colour
    const rgb = colourScores(projectPca(pca(sample(chosen), 3), chosen));
    for (let i = 0; i < chosen.shape[0]!; i++) {
      const row = rows?.[i] ?? i;
      const target = colours[group[Math.floor(row / patches)]!]!;
      const at = (row % patches) * 4;
      target.set(rgb.subarray(i * 3, i * 3 + 3), at);
      target[at + 3] = 255;
    }
  }
  return colours;
}

function dequantise(images: ColourRequest['images']): Features {
  const dimension = images[0]!.values.length / images[0]!.scales.length;
  const rows = images.reduce((sum, { scales }) => sum + scales.length, 0);
  const data = new Float32Array(rows * dimension);
  let at = 0;
  for (const { values, scales } of images) {
    for (let i = 0; i < values.length; i++) data[at++] = values[i]! * scales[Math.floor(i / dimension)]!;
  }
  return { data, shape: [rows, dimension] };
}

/**
 * Rows on one side of the threshold. What stands in front touches the border of pictures less than what
 * is behind; so the sign of the component is told, and `flip` is for when that is wrong.
 */
function foreground(features: Features, patches: number, columns: number, threshold: number, flip: boolean): number[] {
  const scores = projectPca(pca(sample(features), 1), features);
  let [low, high] = [Infinity, -Infinity];
  for (const score of scores) [low, high] = [Math.min(low, score), Math.max(high, score)];
  const above = Uint8Array.from(scores, (score) => Number(score > low + (high - low) * threshold));
  const share = { border: [0, 0], inner: [0, 0] };
  const rows = patches / columns;
  above.forEach((side, row) => {
    const [y, x] = [Math.floor((row % patches) / columns), row % columns];
    const place = y === 0 || y === rows - 1 || x === 0 || x === columns - 1 ? share.border : share.inner;
    place[side]!++;
  });
  const ofAbove = ([below, over]: number[]) => over! / Math.max(1, below! + over!);
  const front = ofAbove(share.inner) >= ofAbove(share.border) ? 1 : 0;
  const wanted = flip ? 1 - front : front;
  return Array.from(above.keys()).filter((row) => above[row] === wanted);
}

function sample(features: Features): Features {
  const [rows] = features.shape as [number, number];
  if (rows <= MOST_ROWS) return features;
  return pick(features, Array.from({ length: MOST_ROWS }, (_, i) => Math.floor((i * rows) / MOST_ROWS)));
}

function pick({ data, shape }: Features, rows: readonly number[]): Features {
  const dimension = shape[1]!;
  const picked = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => picked.set(data.subarray(row * dimension, (row + 1) * dimension), i * dimension));
  return { data: picked, shape: [rows.length, dimension] };
}
