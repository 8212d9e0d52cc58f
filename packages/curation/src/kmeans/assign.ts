import type { Engine } from '@dinov2/jit';
import type { Vectors } from '../vectors/vectors';
import { checkWidth, type Clustering } from './clustering';
import { comparable, squaredLength } from './metric';
import { nearestPass } from './nearest-pass';
import { NearestRows } from './nearest-rows';

export interface AssignProgress {
  readonly rows: number;
  readonly total: number;
  readonly rowsPerSecond: number;
  readonly secondsLeft: number;
}

export interface AssignOptions {
  readonly engine: Engine;
  /** Rows read at once; no result depends on it. */
  readonly blockRows?: number;
  readonly onProgress?: (progress: AssignProgress) => void;
  readonly signal?: AbortSignal;
}

/** Clusters of all rows. */
export interface Assignment {
  /** (rows,) number of the nearest centroid; of equally near ones the smallest. */
  readonly clusters: Uint32Array;
  /** (rows,) cosine to it; by euclidean distance −‖x − c‖², so that nearer is larger either way. */
  readonly similarity: Float32Array;
}

/**
 * The nearest centroid of every row. Vectors are read in blocks; 8 bytes per row are kept.
 *
 * @throws CurationError when the widths differ, when a row is not finite or, by cosine, is all zeros
 */
export async function assign(
  vectors: Vectors,
  clustering: Clustering,
  { engine, blockRows, onProgress, signal }: AssignOptions,
): Promise<Assignment> {
  checkWidth(clustering, vectors);
  const { centroids, columns, metric } = clustering;
  const { rows: total } = vectors;
  const clusters = new Uint32Array(total);
  const similarity = new Float32Array(total);
  const origin = metric === 'cosine' ? new Float32Array(columns) : meanRow(centroids, columns);
  const targets = centroids.map((value, i) => value - origin[i % columns]!);
  const nearest = new NearestRows(engine, columns, metric);
  const begin = performance.now();
  try {
    nearest.setCentroids(targets);
    for await (const tile of nearestPass(comparable(vectors, metric, origin), { first: 0, end: total }, nearest, { blockRows, signal })) {
      const { data, first, count, indices, scores } = tile;
      for (let i = 0; i < count; i++) {
        clusters[first + i] = indices[i]!;
        similarity[first + i] = metric === 'cosine' ? scores[i]! : 2 * scores[i]! - squaredLength(data, i * columns, columns);
      }
      const rows = first + count;
      const rowsPerSecond = (1000 * rows) / Math.max(performance.now() - begin, 1);
      onProgress?.({ rows, total, rowsPerSecond, secondsLeft: (total - rows) / rowsPerSecond });
    }
    return { clusters, similarity };
  } finally {
    nearest.dispose();
  }
}

function meanRow(rows: Float32Array, columns: number): Float32Array {
  const count = rows.length / columns;
  return Float32Array.from({ length: columns }, (_, i) => {
    let sum = 0;
    for (let at = i; at < rows.length; at += columns) sum += rows[at]!;
    return sum / count;
  });
}
