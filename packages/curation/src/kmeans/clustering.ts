import { CurationError } from '../error';
import type { Vectors } from '../vectors/vectors';
import type { Metric } from './metric';

/** Centroids and what is known of their clusters. */
export interface Clustering {
  /** (k, D) row-major; of length 1 by cosine. */
  readonly centroids: Float32Array;
  /** D. */
  readonly columns: number;
  readonly metric: Metric;
  /** (k,) rows that are nearest to each centroid. */
  readonly sizes: Uint32Array;
  /** Sum over all rows of ‖x − c‖² to the nearest centroid; by cosine x has length 1, so that it is Σ 2 (1 − cos). */
  readonly inertia: number;
  /** Lloyd iterations, over samples and over all rows. */
  readonly iterations: number;
}

/** Throws unless the centroids are of the vectors' width. */
export function checkWidth(clustering: Clustering, vectors: Vectors): void {
  if (clustering.columns === vectors.columns) return;
  throw new CurationError(
    `the centroids have ${clustering.columns} columns and the vectors ${vectors.columns}; both must come from the same model`,
  );
}
