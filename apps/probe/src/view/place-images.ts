import { pca, projectPca } from '@dinov2/evaluation';
import { createRandom } from '@dinov2/primitives';
import { UMAP } from 'umap-js';
import type { Layout } from './folder-map';

/** Fewer images have too few neighbours for UMAP; more take minutes in one thread. */
const [FEWEST, MOST] = [15, 10_000];
/** Up to here neighbours are found by comparing all with all, exactly. */
const EXACT = 4000;

/**
 * Put images on a plane by their class tokens (N, D), similar ones close to each other: UMAP (McInnes et al.,
 * arXiv 1802.03426) of the directions of the tokens, else their first two principal components. The same tokens
 * give the same plane.
 *
 * @param onProgress - told the share of the work that is done, now and then.
 */
export function placeImages(tokens: Float32Array, columns: number, onProgress?: (share: number) => void): Layout {
  const rows = tokens.length / columns;
  const directions = normalised(tokens, columns);
  if (rows < FEWEST || rows > MOST) return { method: 'pca', places: fit(principalPlane(directions, rows, columns)) };

  const neighbours = Math.min(15, rows - 1);
  const random = createRandom(1);
  const umap = new UMAP({ nNeighbors: neighbours, minDist: 0.25, random: () => random.uniform() });
  if (rows <= EXACT) {
    const { indices, distances } = nearest(directions, rows, columns, neighbours, (share) => onProgress?.(share / 2));
    umap.setPrecomputedKNN(indices, distances);
  }
  const epochs = umap.initializeFit(Array.from({ length: rows }, (_, row) => [...directions.subarray(row * columns, (row + 1) * columns)]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step();
    if (epoch % 10 === 0) onProgress?.((1 + epoch / epochs) / 2);
  }
  return { method: 'umap', places: fit(Float32Array.from(umap.getEmbedding().flat())) };
}

function normalised(tokens: Float32Array, columns: number): Float32Array {
  const result = new Float32Array(tokens.length);
  for (let from = 0; from < tokens.length; from += columns) {
    let squares = 0;
    for (let i = from; i < from + columns; i++) squares += tokens[i]! ** 2;
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let i = from; i < from + columns; i++) result[i] = tokens[i]! * scale;
  }
  return result;
}

function principalPlane(directions: Float32Array, rows: number, columns: number): Float32Array {
  const components = Math.min(2, rows - 1, columns);
  const places = new Float32Array(rows * 2);
  if (components < 1) return places;
  const features = { data: directions, shape: [rows, columns] };
  const scores = projectPca(pca(features, components), features);
  for (let row = 0; row < rows; row++) for (let c = 0; c < components; c++) places[row * 2 + c] = scores[row * components + c]!;
  return places;
}

/** Euclidean neighbours of every row, itself first. */
function nearest(directions: Float32Array, rows: number, columns: number, count: number, onProgress: (share: number) => void) {
  const indices: number[][] = [];
  const distances: number[][] = [];
  for (let row = 0; row < rows; row++) {
    const own = directions.subarray(row * columns, (row + 1) * columns);
    const all = Float64Array.from({ length: rows }, (_, other) => {
      if (other === row) return -1; // first, also among copies of it
      let product = 0;
      for (let i = 0; i < columns; i++) product += own[i]! * directions[other * columns + i]!;
      return Math.sqrt(Math.max(0, 2 - 2 * product));
    });
    const order = Array.from(all.keys()).sort((a, b) => all[a]! - all[b]!).slice(0, count);
    indices.push(order);
    distances.push(order.map((other) => Math.max(0, all[other]!)));
    if (row % 100 === 0) onProgress(row / rows);
  }
  return { indices, distances };
}

/** Into the unit square, in the middle, with the proportions kept. */
function fit(places: Float32Array): Float32Array {
  const range = (axis: number) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < places.length; i += 2) [low, high] = [Math.min(low, places[i]!), Math.max(high, places[i]!)];
    return { low, middle: (low + high) / 2, span: high - low };
  };
  const axes = [range(0), range(1)] as const;
  const span = Math.max(axes[0].span, axes[1].span, 1e-12);
  return places.map((value, i) => 0.5 + (value - axes[i % 2 as 0 | 1].middle) / span);
}
