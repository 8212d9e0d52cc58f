import type { Metric } from './metric';

/** What fixes the arithmetic of sums: all shards must agree on it. */
export interface SumSpace {
  readonly clusters: number;
  readonly columns: number;
  readonly metric: Metric;
  /** Sums are whole multiples of this power of two. */
  readonly quantum: number;
  /** Squared distances are summed as whole multiples of this power of two. */
  readonly squareQuantum: number;
}

/** The power of two under which sums of `rows` numbers up to `bound` stay below 2^53 units. */
export const quantumFor = (bound: number, rows: number): number => 2 ** (Math.ceil(Math.log2(bound * Math.max(rows, 64))) - 53);

/**
 * What a Lloyd iteration needs to know about some of the rows: for every cluster the sum and count of its rows, their
 * squared distances, and the one farthest from its centroid.
 *
 * Float64 sums of multiples of one power of two are exact, so that neither the order of rows, nor blocks, nor the
 * order in which shards are merged changes a bit of the result.
 */
export class ClusterSums {
  readonly space: SumSpace;
  /** (k, D) | (k) counts | (k) squared distances | (k) largest squared distance | (k) row that has it. */
  readonly #data: Float64Array;
  readonly sums: Float64Array;
  readonly counts: Float64Array;
  readonly squares: Float64Array;
  /** −1 where a cluster has no row. */
  readonly largest: Float64Array;
  readonly farthest: Float64Array;

  constructor(space: SumSpace, data = new Float64Array(space.clusters * (space.columns + 4))) {
    const { clusters, columns } = space;
    this.space = space;
    this.#data = data;
    let at = 0;
    const part = (length: number) => data.subarray(at, (at += length));
    this.sums = part(clusters * columns);
    this.counts = part(clusters);
    this.squares = part(clusters);
    this.largest = part(clusters);
    this.farthest = part(clusters);
  }

  /** As it is written to a file. */
  get data(): Float64Array {
    return this.#data;
  }

  /** Sum over all clusters of squared distances. */
  get inertia(): number {
    return this.squares.reduce((sum, square) => sum + square, 0);
  }

  clear(): void {
    this.#data.fill(0);
    this.largest.fill(-1);
  }

  /**
   * Add one row to its cluster.
   *
   * @param rows - where the row stands, at `at`
   * @param number - of the row in the whole
   * @returns squared distance to the centroid
   */
  add(rows: Float32Array, at: number, number: number, centroids: Float32Array, cluster: number): number {
    const { columns, quantum, squareQuantum } = this.space;
    const { sums } = this;
    // A number this large has no digits below the quantum: adding and subtracting it rounds to a multiple.
    const rounder = quantum * 1.5 * 2 ** 52;
    const to = cluster * columns;
    // Two running sums let the processor overlap the additions.
    let square0 = 0;
    let square1 = 0;
    let i = 0;
    for (; i + 1 < columns; i += 2) {
      const x0 = rows[at + i]!;
      const x1 = rows[at + i + 1]!;
      const difference0 = x0 - centroids[to + i]!;
      const difference1 = x1 - centroids[to + i + 1]!;
      square0 += difference0 * difference0;
      square1 += difference1 * difference1;
      sums[to + i]! += x0 + rounder - rounder;
      sums[to + i + 1]! += x1 + rounder - rounder;
    }
    if (i < columns) {
      square0 += (rows[at + i]! - centroids[to + i]!) ** 2;
      sums[to + i]! += rows[at + i]! + rounder - rounder;
    }
    const square = square0 + square1;
    const squareRounder = squareQuantum * 1.5 * 2 ** 52;
    this.counts[cluster]! += 1;
    this.squares[cluster]! += square + squareRounder - squareRounder;
    if (square > this.largest[cluster]! || (square === this.largest[cluster]! && number < this.farthest[cluster]!)) {
      this.largest[cluster] = square;
      this.farthest[cluster] = number;
    }
    return square;
  }

  /**
   * Take a row from one cluster's sum and count to another's. Sums are as if it had always been there; squared distances
   * are left as they were.
   */
  move(rows: Float32Array, at: number, from: number, to: number): void {
    const { columns, quantum } = this.space;
    const { sums } = this;
    const rounder = quantum * 1.5 * 2 ** 52;
    for (let i = 0; i < columns; i++) {
      const x = rows[at + i]! + rounder - rounder;
      sums[from * columns + i]! -= x;
      sums[to * columns + i]! += x;
    }
    this.counts[from]! -= 1;
    this.counts[to]! += 1;
  }

  /** Take over what another has summed. */
  copy(other: ClusterSums): void {
    this.#data.set(other.data);
  }

  /** Add what another shard has summed. */
  merge(other: ClusterSums): void {
    for (const name of ['sums', 'counts', 'squares'] as const) {
      const [to, from] = [this[name], other[name]];
      for (let i = 0; i < to.length; i++) to[i]! += from[i]!;
    }
    for (let cluster = 0; cluster < this.counts.length; cluster++) {
      const [a, b] = [this.largest[cluster]!, other.largest[cluster]!];
      if (b < a || (b === a && other.farthest[cluster]! >= this.farthest[cluster]!)) continue;
      this.largest[cluster] = b;
      this.farthest[cluster] = other.farthest[cluster]!;
    }
  }
}
