import { CurationError } from '../error';
import { subset } from '../kmeans/subset';
import { EdgeList } from '../neighbours/edges';
import { joinNeighbours } from '../neighbours/join-neighbours';
import type { JoinOptions } from '../neighbours/join-options';
import type { Vectors } from '../vectors/vectors';

/**
 * What happens to a pool image that is near several queries: it counts each time, or the first time only, or the later
 * queries take their next nearest in its place.
 */
export type Collisions = 'keep' | 'unique' | 'refill';

export interface SampleRetrievalOptions extends Pick<JoinOptions, 'engine' | 'method' | 'recall' | 'seed' | 'scratch' | 'onProgress' | 'signal'> {
  /** Pool images of each query; default 4, the paper's for sets of millions; 32 for ImageNet-1k. */
  readonly k?: number;
  /** Default keep: the paper's counts are exactly k × queries. */
  readonly collisions?: Collisions;
}

/** What sample-based retrieval found, in the order of queries, the nearest first. */
export interface SampleRetrieval {
  /** Rows of the pool. A row may stand several times with `keep`. */
  readonly rows: Uint32Array;
  /** Query of each. */
  readonly queries: Uint32Array;
  /** Cosine of each. */
  readonly similarity: Float32Array;
  /** Different rows. */
  readonly distinct: number;
  /** By how many the rows are fewer than k × queries. */
  readonly shortfall: number;
  /** Share of neighbours found that an exact search would have found; 1 for an exact one. Of `refill`, the least of its searches. */
  readonly edgeRecall: number;
}

/** Queries whose lists are deepened together. */
const REFILL_BLOCK = 65_536;

/**
 * Sample-based retrieval (Oquab et al. 2023, §3 and A.4), for large query sets: the k nearest pool images of each query by
 * cosine.
 *
 * With `refill`, queries take in their order the k nearest rows that none before has taken.
 *
 * @throws CurationError as {@link joinNeighbours}
 */
export async function retrieveBySample(
  queries: Vectors,
  pool: Vectors,
  { k = 4, collisions = 'keep', ...search }: SampleRetrievalOptions,
): Promise<SampleRetrieval> {
  if (!Number.isInteger(k) || k < 1) throw new CurationError(`k is ${k}; expected a whole number of at least 1`);
  const found = new Found(pool.rows);
  const edgeRecall =
    collisions === 'refill'
      ? await refill(queries, pool, k, search, found)
      : await nearest(queries, pool, k, search, (query, row, similarity) => {
          if (collisions === 'keep' || !found.has(row)) found.add(query, row, similarity);
        });
  const shortfall = k * queries.rows - found.count;
  return { ...found.take(), shortfall, edgeRecall };
}

type Search = Omit<SampleRetrievalOptions, 'k' | 'collisions'>;

async function nearest(queries: Vectors, pool: Vectors, k: number, search: Search, visit: (query: number, row: number, similarity: number) => void): Promise<number> {
  const join = await joinNeighbours(queries, pool, { ...search, k: Math.min(k, pool.rows), threshold: -Infinity });
  try {
    for await (const { count, from, to, similarity } of join.edges()) {
      for (let i = 0; i < count; i++) visit(from[i]!, to[i]!, similarity[i]!);
    }
    return join.edgeRecall;
  } finally {
    await join.close();
  }
}

async function refill(queries: Vectors, pool: Vectors, k: number, search: Search, found: Found): Promise<number> {
  let recall = 1;
  for (let first = 0; first < queries.rows; first += REFILL_BLOCK) {
    const end = Math.min(first + REFILL_BLOCK, queries.rows);
    let depth = Math.min(2 * k, pool.rows);
    for (let next = first; next < end; ) {
      const numbers = Uint32Array.from({ length: end - next }, (_, i) => next + i);
      const lists: { row: number; similarity: number }[][] = Array.from(numbers, () => []);
      const block = await subset(queries, numbers);
      recall = Math.min(recall, await nearest(block, pool, depth, search, (query, row, similarity) => lists[query]!.push({ row, similarity })));
      const short = lists.findIndex((list, i) => {
        const free = list.filter(({ row }) => !found.has(row)).slice(0, k);
        // With fewer, rows further away may be free: look deeper, from this query on.
        if (free.length < k && depth < pool.rows && found.distinct < pool.rows) return true;
        for (const { row, similarity } of free) found.add(next + i, row, similarity);
        return false;
      });
      next = short < 0 ? end : next + short;
      depth = Math.min(4 * depth, pool.rows);
    }
  }
  return recall;
}

/** Rows found so far. */
class Found {
  readonly #edges = new EdgeList();
  readonly #taken: Uint8Array;
  #distinct = 0;

  constructor(poolRows: number) {
    this.#taken = new Uint8Array(poolRows);
  }

  get count(): number {
    return this.#edges.count;
  }

  get distinct(): number {
    return this.#distinct;
  }

  has(row: number): boolean {
    return this.#taken[row] === 1;
  }

  add(query: number, row: number, similarity: number): void {
    if (!this.has(row)) this.#distinct++;
    this.#taken[row] = 1;
    this.#edges.push(query, row, similarity);
  }

  take(): Pick<SampleRetrieval, 'rows' | 'queries' | 'similarity' | 'distinct'> {
    const { from, to, similarity } = this.#edges.take();
    return { rows: to, queries: from, similarity, distinct: this.#distinct };
  }
}
