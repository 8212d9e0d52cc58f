import { readFileSync } from 'node:fs';

/** Entries of a safetensors file with their bytes, read without the package under test. */
export function rawSafetensors(path) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  return Object.fromEntries(
    Object.entries(header).map(([name, { dtype, shape, data_offsets: [begin, end] }]) => [
      name,
      { dtype, shape, bytes: bytes.subarray(8 + length + begin, 8 + length + end) },
    ]),
  );
}
