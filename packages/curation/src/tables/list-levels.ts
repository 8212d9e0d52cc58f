/**
 * Repetition and definition levels of `rows` lists of `width` values, none of them null, as a Parquet page of
 * version 2 holds them: runs of one bit (Apache Parquet, Encodings, "RLE / bit-packing hybrid"). A value repeats
 * at level 1 unless it begins a list, and all are defined.
 */
export function listLevels(rows: number, width: number): { repetition: Uint8Array; definition: Uint8Array } {
  const row = [...run(1, 0), ...(width > 1 ? run(width - 1, 1) : [])];
  const repetition = new Uint8Array(rows * row.length);
  for (let i = 0; i < rows; i++) repetition.set(row, i * row.length);
  return { repetition, definition: Uint8Array.from(run(rows * width, 1)) };
}

/** `count` times the same bit. */
function run(count: number, bit: 0 | 1): number[] {
  return [...variableLength(2 * count), bit];
}

/** Seven bits to a byte, lowest first; the eighth says that more follow. */
function variableLength(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}
