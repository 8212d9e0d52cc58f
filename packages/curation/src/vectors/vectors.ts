/** Rows of numbers, in memory or in files. */
export interface Vectors {
  readonly rows: number;
  readonly columns: number;
  /**
   * Rows `first` … `first + count − 1` as float32, (count, columns). The caller owns the array.
   *
   * @throws CurationError when the range leaves the rows, or when the file does not hold them
   */
  read(first: number, count: number): Promise<Float32Array>;
  /**
   * The rows with these numbers, in the order asked for and as often as asked for, (rows.length, columns).
   *
   * @throws CurationError when a number is not that of a row
   */
  gather(rows: Uint32Array): Promise<Float32Array>;
  /** Give up files and memory. */
  close(): Promise<void>;
}
