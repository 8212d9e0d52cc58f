import { colourScores, pca, projectPca } from '@dinov2/evaluation';
import type { Colouring, PatchFeatures, Side } from './protocol';

/**
 * Three principal components of the patches as red, green and blue.
 *
 * For one side, the first component of all patches splits them (Oquab et al. 2023, section 7.4) and the
 * colours are the components of that side alone.
 */
export function colouring({ data, rows, columns }: PatchFeatures, side: Side): Colouring {
  const count = rows * columns;
  const features = { data, shape: [count, data.length / count] };
  const chosen = side === 'all' ? allOf(count) : patchesOf(side, firstComponent(features), rows, columns);
  if (chosen.length < 5) throw new Error(`only ${chosen.length} patches are on this side; choose a higher resolution`);
  const dimension = features.shape[1]!;
  const part = new Float32Array(chosen.length * dimension);
  chosen.forEach((patch, i) => part.set(data.subarray(patch * dimension, (patch + 1) * dimension), i * dimension));
  const shown = { data: part, shape: [chosen.length, dimension] };
  const rgb = colourScores(projectPca(pca(shown, 3), shown));
  const rgba = new Uint8ClampedArray(count * 4);
  chosen.forEach((patch, i) => rgba.set([...rgb.subarray(i * 3, i * 3 + 3), 255], patch * 4));
  return { rgba };
}

/** Patches above or below the mean of the first component; the side that has less of the border is in front. */
function patchesOf(side: Side, scores: Float32Array, rows: number, columns: number): number[] {
  const all = allOf(scores.length);
  const onBorder = (patch: number) =>
    patch < columns || patch >= (rows - 1) * columns || patch % columns === 0 || patch % columns === columns - 1;
  const border = all.filter(onBorder);
  const above = border.filter((patch) => scores[patch]! > 0).length;
  const frontIsAbove = above <= border.length / 2;
  const wantAbove = (side === 'foreground') === frontIsAbove;
  return all.filter((patch) => scores[patch]! > 0 === wantAbove);
}

function firstComponent(features: { data: Float32Array; shape: number[] }): Float32Array {
  return projectPca(pca(features, 1), features);
}

function allOf(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
