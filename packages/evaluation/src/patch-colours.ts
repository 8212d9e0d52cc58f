import { colourScores } from './colour';
import { EvaluationError } from './error';
import { dimensions, type Features } from './features';
import { pca, projectPca } from './pca';

/** Patches that stand in front, told by the first principal component (Oquab et al. 2023, section 7.4). */
export interface ForegroundOptions {
  /** Where the first component is cut, as a share of its range, 0 … 1; at its mean by default. */
  readonly threshold?: number;
  /** Take the other side. */
  readonly flip?: boolean;
}

/** Choices of {@link patchColours}. */
export interface PatchColourOptions {
  /** Patches in a row of an image. */
  readonly columns: number;
  /** One basis for all images, so that colours can be compared between them; on by default. */
  readonly joint?: boolean;
  /** Colour the foreground alone, by its own components. */
  readonly foreground?: boolean | ForegroundOptions;
}

/** Rows that a basis is fitted to; more change it little and take longer. */
const MOST_ROWS = 4096;
/** Three components need more rows than that, and a colour of two patches says nothing. */
const FEWEST_ROWS = 5;

/**
 * Patch tokens as colours: their three strongest principal components as red, green and blue.
 *
 * @param images - (rows · columns, D) patch tokens of each image.
 * @returns (rows · columns, 4) RGBA of each image; patches that are not in the foreground are transparent,
 * and all of an image whose foreground has fewer than five patches.
 * @throws EvaluationError when widths differ, or patches do not fill rows of `columns`.
 */
export function patchColours(images: readonly Features[], { columns, joint = true, foreground = false }: PatchColourOptions): Uint8ClampedArray<ArrayBuffer>[] {
  const counts = images.map((image, i) => {
    const [count] = dimensions(image, `image ${i}`);
    if (count % columns !== 0) throw new EvaluationError(`image ${i} has ${count} patches, which do not fill rows of ${columns}`);
    return count;
  });
  const colours = counts.map((count) => new Uint8ClampedArray(count * 4));
  for (const group of joint ? [images.map((_, i) => i)] : images.map((_, i) => [i])) {
    const places = group.flatMap((image) => Array.from({ length: counts[image]! }, (_, patch) => ({ image, patch })));
    const all = stack(group.map((i) => images[i]!));
    const kept = foreground === false ? undefined : front(all, places.map(({ image, patch }) => isBorder(patch, counts[image]!, columns)), foreground === true ? {} : foreground);
    const shown = kept === undefined ? all : pick(all, kept);
    if (shown.shape[0]! < FEWEST_ROWS) continue;
    const rgb = colourScores(projectPca(pca(sample(shown), Math.min(3, shown.shape[1]!)), shown));
    for (let i = 0; i < shown.shape[0]!; i++) {
      const { image, patch } = places[kept?.[i] ?? i]!;
      colours[image]!.set(rgb.subarray(i * 3, i * 3 + 3), patch * 4);
      colours[image]![patch * 4 + 3] = 255;
    }
  }
  return colours;
}

/** Rows on one side of the cut: that of which less touches the border, or the other. */
function front(features: Features, border: readonly boolean[], { threshold, flip = false }: ForegroundOptions): number[] {
  const scores = projectPca(pca(sample(features), 1), features);
  let [low, high] = [Infinity, -Infinity];
  for (const score of scores) [low, high] = [Math.min(low, score), Math.max(high, score)];
  const cut = threshold === undefined ? 0 : low + (high - low) * threshold;
  const above = Array.from(scores, (score) => score > cut);
  const share = (onBorder: boolean) => {
    const members = above.filter((_, row) => border[row] === onBorder);
    return members.filter(Boolean).length / Math.max(1, members.length);
  };
  const frontIsAbove = share(false) >= share(true);
  const wanted = frontIsAbove !== flip;
  return above.flatMap((side, row) => (side === wanted ? [row] : []));
}

function isBorder(patch: number, count: number, columns: number): boolean {
  const [row, column] = [Math.floor(patch / columns), patch % columns];
  return row === 0 || row === count / columns - 1 || column === 0 || column === columns - 1;
}

function stack(images: readonly Features[]): Features {
  const columns = images[0]?.shape[1] ?? 0;
  const odd = images.find(({ shape }) => shape[1] !== columns);
  if (odd !== undefined) throw new EvaluationError(`images have ${columns} and ${odd.shape[1]} numbers per patch; both must come from the same model`);
  if (images.length === 1) return images[0]!;
  const data = new Float32Array(images.reduce((sum, image) => sum + image.data.length, 0));
  let at = 0;
  for (const image of images) {
    data.set(image.data, at);
    at += image.data.length;
  }
  return { data, shape: [data.length / Math.max(1, columns), columns] };
}

function sample(features: Features): Features {
  const rows = features.shape[0]!;
  return rows <= MOST_ROWS ? features : pick(features, Array.from({ length: MOST_ROWS }, (_, i) => Math.floor((i * rows) / MOST_ROWS)));
}

function pick({ data, shape }: Features, rows: readonly number[]): Features {
  const columns = shape[1]!;
  const picked = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => picked.set(data.subarray(row * columns, (row + 1) * columns), i * columns));
  return { data: picked, shape: [rows.length, columns] };
}
