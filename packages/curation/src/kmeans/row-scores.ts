import { wasmBase64 } from '../generated/scores';

/** What a WebAssembly memory holds, less room for rows. */
export const MOST_TABLE_BYTES = 2 ** 31;
const PAGE = 2 ** 16;

let compiled: WebAssembly.Module | undefined;

type Scores = (row: number, table: number, columns: number, list: number, count: number, scores: number) => void;

/** Products of rows with a few of the rows of a table, in float32, in WebAssembly. */
export class RowScores {
  readonly #memory: WebAssembly.Memory;
  readonly #scores: Scores;
  readonly #columns: number;
  /** Columns with zeros up to a multiple of four. */
  readonly #width: number;
  readonly #rowsAt: number;
  readonly #listAt: number;
  readonly #scoresAt: number;
  /** Numbers of the table's rows to compare with, (most,). */
  readonly list: Uint32Array;
  /** Their products, (most,). */
  readonly products: Float32Array;

  /**
   * @param table - rows of the table
   * @param rows - that are loaded at most at a time
   * @param most - rows of the table that a row is compared with at most
   */
  constructor(table: number, columns: number, rows: number, most: number) {
    const width = 4 * Math.ceil(columns / 4);
    const aligned = (bytes: number): number => 16 * Math.ceil(bytes / 16);
    this.#columns = columns;
    this.#width = width;
    this.#rowsAt = 4 * table * width;
    this.#listAt = this.#rowsAt + 4 * rows * width;
    this.#scoresAt = aligned(this.#listAt + 4 * most);
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil((this.#scoresAt + 4 * most) / PAGE) });
    compiled ??= new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
    const instance = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } });
    this.#scores = instance.exports.scores as Scores;
    this.list = new Uint32Array(this.#memory.buffer, this.#listAt, most);
    this.products = new Float32Array(this.#memory.buffer, this.#scoresAt, most);
  }

  /** The rows to compare with, (n, D). */
  setTable(table: Float32Array): void {
    this.#copy(table, 0);
  }

  /** Rows to compare, (n, D). */
  load(rows: Float32Array): void {
    this.#copy(rows, this.#rowsAt);
  }

  /** Compare a loaded row with the first `count` rows of `list`. */
  compare(row: number, count: number): void {
    this.#scores(this.#rowsAt + 4 * row * this.#width, 0, this.#width, this.#listAt, count, this.#scoresAt);
  }

  #copy(rows: Float32Array, at: number): void {
    const [columns, width] = [this.#columns, this.#width];
    const to = new Float32Array(this.#memory.buffer, at, (rows.length / columns) * width);
    if (width === columns) to.set(rows);
    else for (let from = 0, i = 0; from < rows.length; from += columns, i += width) to.set(rows.subarray(from, from + columns), i);
  }
}
