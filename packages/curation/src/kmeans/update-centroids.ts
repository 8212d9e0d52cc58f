import type { ClusterSums } from './cluster-sums';

export interface UpdatedCentroids {
  /** (k, D) means of the clusters' rows, scaled to length 1 by cosine. */
  readonly centroids: Float32Array;
  /** Clusters that had no row, and rows that are to be their centroids. */
  readonly moved: readonly { readonly cluster: number; readonly row: number }[];
}

/**
 * Means of the clusters. One without rows shall take the farthest row of the cluster with the largest sum of
 * squared distances, the next one that of the second, and so on; where there is nothing left to split, it stays.
 */
export function updateCentroids({ sums, counts, squares, largest, farthest, space }: ClusterSums, previous: Float32Array): UpdatedCentroids {
  const { clusters, columns, metric } = space;
  const centroids = new Float32Array(clusters * columns);
  const empty: number[] = [];
  for (let cluster = 0; cluster < clusters; cluster++) {
    const from = cluster * columns;
    let scale = 1 / counts[cluster]!;
    if (metric === 'cosine') {
      let square = 0;
      for (let i = 0; i < columns; i++) square += sums[from + i]! * sums[from + i]!;
      scale = 1 / Math.sqrt(square);
    }
    // Rows that cancel each other have no mean direction.
    if (counts[cluster] === 0 || scale === Infinity) {
      if (counts[cluster] === 0) empty.push(cluster);
      centroids.set(previous.subarray(from, from + columns), from);
      continue;
    }
    for (let i = 0; i < columns; i++) centroids[from + i] = sums[from + i]! * scale;
  }
  if (empty.length === 0) return { centroids, moved: [] };
  const donors = Array.from(counts.keys())
    .filter((cluster) => counts[cluster]! > 1 && largest[cluster]! > 0)
    .sort((a, b) => squares[b]! - squares[a]! || a - b);
  const moved = empty.slice(0, donors.length).map((cluster, i) => ({ cluster, row: farthest[donors[i]!]! }));
  return { centroids, moved };
}
