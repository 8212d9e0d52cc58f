import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitCount } from './hamming';
import { hammingJoin } from './index';

/** Pairs by comparing all with all, as texts. */
function brute(queries: BigUint64Array, database: BigUint64Array, radius: number): string[] {
  const [a, b] = [new Uint32Array(queries.buffer), new Uint32Array(database.buffer)];
  const pairs: string[] = [];
  for (let from = 0; from < queries.length; from++) {
    for (let to = queries === database ? from + 1 : 0; to < database.length; to++) {
      const distance = bitCount(a[2 * from]! ^ b[2 * to]!) + bitCount(a[2 * from + 1]! ^ b[2 * to + 1]!);
      if (distance <= radius) pairs.push(`${from} ${to} ${1 - distance / 64}`);
    }
  }
  return pairs.toSorted();
}

function join(queries: BigUint64Array, database: BigUint64Array, radius: number): string[] {
  return [...hammingJoin(queries, database, radius)]
    .flatMap(({ count, from, to, similarity }) => Array.from({ length: count }, (_, i) => `${from[i]} ${to[i]} ${similarity[i]}`))
    .toSorted();
}

const bits = fc.array(fc.bigInt({ min: 0n, max: 63n }), { maxLength: 14 });
const hashes = fc
  .array(fc.tuple(fc.constantFrom(0n, 2n ** 64n - 1n, 0x0123_4567_89ab_cdefn), bits), { maxLength: 30 })
  .map((recipes) => BigUint64Array.from(recipes, ([base, flipped]) => flipped.reduce((hash, bit) => hash ^ (1n << bit), base)));

describe('hammingJoin', () => {
  it('has every pair within the radius once, for any radius', () => {
    fc.assert(
      fc.property(hashes, hashes, fc.integer({ min: 0, max: 24 }), (queries, database, radius) => {
        expect(join(database, database, radius)).toEqual(brute(database, database, radius));
        expect(join(queries, database, radius)).toEqual(brute(queries, database, radius));
      }),
    );
  });

  // Sizes at which fewer and wider bands are cheaper: all shapes of bands take part.
  it.each([
    [3000, 3],
    [3000, 11],
    [5000, 7],
  ])('has them among %i hashes within %i bits', (rows, radius) => {
    const random = createRandom(rows + radius);
    const database = new BigUint64Array(rows);
    for (let row = 0; row < rows; row++) {
      const copied = row > 0 && random.uniform() < 0.5;
      let hash = copied ? database[random.integer(row)]! : (BigInt(random.bits()) << 32n) | BigInt(random.bits());
      for (let flips = random.integer(5); flips > 0; flips--) hash ^= 1n << BigInt(random.integer(64));
      database[row] = hash;
    }
    expect(join(database, database, radius)).toEqual(brute(database, database, radius));
  });

  it('refuses a radius that is none', () => {
    expect(() => [...hammingJoin(new BigUint64Array(1), new BigUint64Array(1), 40)]).toThrow('Hamming radius 40; pass a whole number of bits');
  });
});
