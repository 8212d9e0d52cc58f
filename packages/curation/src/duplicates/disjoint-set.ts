import { CurationError } from '../error';
import { rowNumbers } from './row-numbers';

/**
 * Disjoint sets of the rows 0, …, size − 1, four bytes per row.
 *
 * The representative of a set is always its lowest row, so that the result does not depend on the order of unions. Sets
 * are joined by Rem's algorithm with splicing (Dijkstra 1976; Patwary, Blair and Manne 2010), which needs no ranks.
 *
 * @throws CurationError when `size` is not a whole number of at most 2^32 rows.
 */
export class DisjointSet {
  /** A row of the same set that is not above; the row itself where it is the lowest. */
  readonly #parent: Uint32Array;

  constructor(size: number) {
    if (!(Number.isInteger(size) && size >= 0 && size <= 2 ** 32)) {
      throw new CurationError(`a disjoint set of ${size} rows cannot be made; pass a whole number of at most 2^32`);
    }
    this.#parent = rowNumbers(size);
  }

  get size(): number {
    return this.#parent.length;
  }

  /** The lowest row of the set of a row. */
  find(row: number): number {
    const parent = this.#parent;
    while (parent[row] !== row) {
      parent[row] = parent[parent[row]!]!;
      row = parent[row]!;
    }
    return row;
  }

  /** Join the sets of two rows; false where they were one already. */
  union(a: number, b: number): boolean {
    const parent = this.#parent;
    let aboveA = parent[a]!;
    let aboveB = parent[b]!;
    while (aboveA !== aboveB) {
      if (aboveA < aboveB) {
        parent[b] = aboveA;
        if (b === aboveB) return true;
        b = aboveB;
        aboveB = parent[b]!;
      } else {
        parent[a] = aboveB;
        if (a === aboveA) return true;
        a = aboveA;
        aboveA = parent[a]!;
      }
    }
    return false;
  }

  /** The lowest row of the set of each row. */
  labels(): Uint32Array {
    const labels = this.#parent.slice();
    // Parents are lower rows, whose labels are known by then.
    for (let row = 0; row < labels.length; row++) labels[row] = labels[labels[row]!]!;
    return labels;
  }
}
