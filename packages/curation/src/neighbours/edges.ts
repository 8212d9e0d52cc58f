/** Pairs of rows and their cosine. */
export interface EdgeBlock {
  readonly count: number;
  /** Row of the queries, (count,). */
  readonly from: Uint32Array;
  /** Row of the database, (count,). */
  readonly to: Uint32Array;
  /** (count,), in −1 … 1. */
  readonly similarity: Float32Array;
}

/** Edges one after the other, with room for more. */
export class EdgeList {
  #from = new Uint32Array(1024);
  #to = new Uint32Array(1024);
  #similarity = new Float32Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(from: number, to: number, similarity: number): void {
    if (this.#count === this.#from.length) {
      const size = 2 * this.#count;
      this.#from = enlarged(this.#from, new Uint32Array(size));
      this.#to = enlarged(this.#to, new Uint32Array(size));
      this.#similarity = enlarged(this.#similarity, new Float32Array(size));
    }
    this.#from[this.#count] = from;
    this.#to[this.#count] = to;
    this.#similarity[this.#count++] = similarity;
  }

  /** The edges so far; they leave the list. */
  take(): EdgeBlock {
    const count = this.#count;
    this.#count = 0;
    return { count, from: this.#from.slice(0, count), to: this.#to.slice(0, count), similarity: this.#similarity.slice(0, count) };
  }
}

function enlarged<A extends Uint32Array | Float32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
