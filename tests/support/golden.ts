import { readFileSync } from 'node:fs';
import { expectAllclose } from './allclose';
import { hashed } from './hash';

/** Values of a golden file by name. */
export type Golden = Readonly<Record<string, { readonly shape: number[]; readonly data: Float32Array }>>;

/** Read `tests/golden/data/<name>.json`, written by `write` of `tests/golden/hashing.py`. */
export function readGolden(name: string): Golden {
  const text = readFileSync(new URL(`../golden/data/${name}.json`, import.meta.url), 'utf8');
  const record = JSON.parse(text) as Record<string, { shape: number[]; data: string }>;
  return Object.fromEntries(
    Object.entries(record).map(([key, { shape, data }]) => [
      key,
      { shape, data: new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer) },
    ]),
  );
}

/** Uniform in [-0.5, 0.5), as `symmetric` of `tests/golden/hashing.py`. */
export const symmetric = (seed: number, count: number): Float32Array =>
  Float32Array.from(hashed(seed, count), (x) => x / 2 ** 32 - 0.5);

/** Values for named tensors, as `parameters` of `tests/golden/hashing.py`. */
export function hashedParameters(
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, { data: Float32Array; shape: readonly number[] }> {
  return Object.fromEntries(
    Object.keys(shapes)
      .sort()
      .map((name, i) => {
        const around = /(^|\.)norm\d?\.weight$|weight_g$/.test(name) ? 1 : 0;
        const count = shapes[name].reduce((a, b) => a * b, 1);
        const scale = Math.fround(0.6);
        const data = symmetric(1000 + i, count).map((x) => around + Math.fround(scale * x));
        return [name, { data, shape: shapes[name] }];
      }),
  );
}

/**
 * Throws unless the values agree to `rtol`, elementwise or of the largest: an element near zero is a
 * sum of terms of that size and carries their rounding.
 */
export function expectGolden(
  actual: { readonly shape: readonly number[]; dataSync(): ArrayLike<number> },
  golden: Golden,
  name: string,
  rtol = 1e-5,
): void {
  const expected = golden[name];
  if (expected === undefined) throw new Error(`the golden file has no "${name}"`);
  if (actual.shape.join() !== expected.shape.join()) {
    throw new Error(`${name} has shape (${actual.shape}), expected (${expected.shape})`);
  }
  const largest = expected.data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  try {
    expectAllclose(actual.dataSync(), expected.data, { rtol, atol: rtol * largest + 1e-30 });
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}
