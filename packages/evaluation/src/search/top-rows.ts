import type { Neighbours } from './neighbours';

/** Room for this many candidates at least, so that the sort of a few is not called too often. */
const LEAST = 64;

/**
 * The `k` largest similarities of each query among those offered, in whatever order they are offered.
 *
 * A query's candidates collect in a buffer of 2k; when it is full it is sorted and its worse half dropped, so
 * that a similarity costs a comparison, and now and then a share of a sort.
 */
export class TopRows {
  readonly #queries: number;
  readonly #k: number;
  readonly #capacity: number;
  /** Keys that sort as candidates do: the similarity's bits, turned so that larger ones come first, then the row. */
  readonly #keys: BigUint64Array;
  /** The same as pairs (row, similarity): the lower half stands first on every platform JavaScript runs on. */
  readonly #halves: Uint32Array;
  readonly #counts: Uint32Array;
  /** What a similarity must exceed to count. */
  readonly #limits: Float32Array;
  readonly #number = new Float32Array(1);
  readonly #bits = new Uint32Array(this.#number.buffer);

  /** @param rows - Rows that will be offered to each query, where known. */
  constructor(queries: number, k: number, rows = Infinity) {
    this.#queries = queries;
    this.#k = k;
    this.#capacity = Math.min(Math.max(2 * k, LEAST), Math.max(rows, k));
    this.#keys = new BigUint64Array(queries * this.#capacity);
    this.#halves = new Uint32Array(this.#keys.buffer);
    this.#counts = new Uint32Array(queries);
    this.#limits = new Float32Array(queries).fill(-Infinity);
  }

  /** Equal similarities keep the rows of smaller number, provided rows are offered in their order. */
  offer(query: number, row: number, similarity: number): void {
    if (!(similarity > this.#limits[query]!)) return;
    const place = query * this.#capacity + this.#counts[query]!++;
    // −0 is no smaller than 0.
    this.#number[0] = similarity + 0;
    const bits = this.#bits[0]!;
    this.#halves[2 * place] = row;
    this.#halves[2 * place + 1] = bits >>> 31 === 1 ? bits : ~bits & 0x7fffffff;
    if (this.#counts[query]! === this.#capacity && this.#capacity > this.#k) this.#compact(query);
  }

  /** Sort and keep the best k. */
  #compact(query: number): void {
    const first = query * this.#capacity;
    const count = this.#counts[query]!;
    this.#keys.subarray(first, first + count).sort();
    if (count < this.#k) return;
    this.#counts[query] = this.#k;
    this.#limits[query] = this.#similarity(first + this.#k - 1);
  }

  #similarity(place: number): number {
    const key = this.#halves[2 * place + 1]!;
    this.#bits[0] = key >>> 31 === 1 ? key : ~key & 0x7fffffff;
    return this.#number[0]!;
  }

  /** The lists. At least k rows must have been offered to each query. */
  finish(): Neighbours {
    const k = this.#k;
    const indices = new Int32Array(this.#queries * k);
    const similarities = new Float32Array(this.#queries * k);
    for (let query = 0; query < this.#queries; query++) {
      this.#compact(query);
      for (let i = 0; i < k; i++) {
        const place = query * this.#capacity + i;
        indices[query * k + i] = this.#halves[2 * place]!;
        similarities[query * k + i] = this.#similarity(place);
      }
    }
    return { indices, similarities, k };
  }
}
