import type { Metric } from '../kmeans/metric';

/** Clusters of one level. Its points are the rows of the data, or the centroids of the level below. */
export interface Level {
  /** (k, D) */
  readonly centroids: Float32Array;
  /** (points,) cluster of each point. */
  readonly clusters: Uint32Array;
  /** (points,) cosine of each point to its centroid; by euclidean distance −‖x − c‖². */
  readonly similarity: Float32Array;
  /** (k + 1,) where the members of each cluster begin in `members`. */
  readonly offsets: Uint32Array;
  /** (points,) numbers of points, cluster by cluster, the nearest to the centroid first. */
  readonly members: Uint32Array;
  /** Sum over the points of squared distances to their centroids. */
  readonly inertia: number;
  /** Lloyd iterations of the last clustering. */
  readonly iterations: number;
}

/** Clusters of clusters. */
export interface Hierarchy {
  /** Rows of the data. */
  readonly rows: number;
  /** D. */
  readonly columns: number;
  readonly metric: Metric;
  /** The finest first. */
  readonly levels: readonly Level[];
}

/** Rows of the data below each cluster, for every level. */
export function rowsBelow({ levels }: Pick<Hierarchy, 'levels'>): Float64Array[] {
  const counts: Float64Array[] = [];
  for (const { offsets, clusters } of levels) {
    const below = counts.at(-1);
    const sizes = new Float64Array(offsets.length - 1);
    clusters.forEach((cluster, point) => (sizes[cluster]! += below ? below[point]! : 1));
    counts.push(sizes);
  }
  return counts;
}

/** Members of each cluster, the most similar first, those of equal similarity by number. */
export function groupMembers(clusters: Uint32Array, similarity: Float32Array, count: number): Pick<Level, 'offsets' | 'members'> {
  const offsets = new Uint32Array(count + 1);
  for (const cluster of clusters) offsets[cluster + 1]!++;
  for (let cluster = 0; cluster < count; cluster++) offsets[cluster + 1]! += offsets[cluster]!;
  const next = offsets.slice(0, count);
  const members = new Uint32Array(clusters.length);
  clusters.forEach((cluster, point) => (members[next[cluster]!++] = point));
  for (let cluster = 0; cluster < count; cluster++) {
    members.subarray(offsets[cluster], offsets[cluster + 1]).sort((a, b) => similarity[b]! - similarity[a]! || a - b);
  }
  return { offsets, members };
}
