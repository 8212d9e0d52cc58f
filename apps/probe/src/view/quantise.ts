/**
 * Patch tokens with 8 bits per number, as the page and the search hold them.
 *
 * Each row is divided by a scale of its own, its largest absolute value / 127, and rounded. A number is
 * off by at most half its row's scale; cosines of tokens of 384 numbers are off by less than 0.005.
 */
export interface QuantisedRows {
  /** (N, D) */
  readonly values: Int8Array<ArrayBuffer>;
  /** (N,) */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** Quantise `rows` rows of `data`, (rows, D). */
export function quantiseRows(data: Float32Array, rows: number): QuantisedRows {
  const columns = data.length / rows;
  const values = new Int8Array(data.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * columns, (row + 1) * columns];
    let largest = 0;
    for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(data[i]!));
    scales[row] = largest / 127;
    const inverse = largest > 0 ? 127 / largest : 0;
    for (let i = from; i < to; i++) values[i] = Math.round(data[i]! * inverse);
  }
  return { values, scales };
}

/** (N,) reciprocal lengths of rows of quantised values, 0 for a row of zeros. */
export function inverseLengths(values: Int8Array, rows: number): Float32Array<ArrayBuffer> {
  const columns = values.length / rows;
  const result = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let squares = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) squares += values[i]! * values[i]!;
    result[row] = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  }
  return result;
}

/** As bytes: scales, then values. */
export function packRows({ values, scales }: QuantisedRows): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(scales.byteLength + values.byteLength);
  bytes.set(new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength));
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), scales.byteLength);
  return bytes;
}

/** Views of packed bytes of `rows` rows. */
export function unpackRows(bytes: ArrayBuffer, rows: number): QuantisedRows {
  return { scales: new Float32Array(bytes, 0, rows), values: new Int8Array(bytes, rows * 4) };
}
