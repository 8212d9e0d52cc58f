import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalGroups, perceptualGroups } from './index';
import { hammingDistance, structureless } from '../hashes';
import { bruteComponents } from './graphs.testing';

describe('equalGroups', () => {
  it('labels each row with the first that has its key', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 2 })), (keys) => {
        expect([...equalGroups(keys)]).toEqual(keys.map((key) => keys.indexOf(key)));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 20n }).map((n) => n * 0x1_0000_0001n)), (keys) => {
        expect([...equalGroups(BigUint64Array.from(keys))]).toEqual(keys.map((key) => keys.indexOf(key)));
      }),
    );
  });
});

describe('perceptualGroups', () => {
  const near = fc.array(
    fc.tuple(fc.constantFrom(0n, 0x0f0f_0f0f_0f0f_0f0fn, structureless), fc.array(fc.bigInt({ min: 0n, max: 63n }), { maxLength: 4 })),
    { maxLength: 30 },
  );

  it('are single linkage of the distances, structureless pictures left alone', () => {
    fc.assert(
      fc.property(near, fc.integer({ min: 0, max: 12 }), (recipes, radius) => {
        const hashes = recipes.map(([base, bits]) => bits.reduce((hash, bit) => hash ^ (1n << bit), base));
        const edges = hashes.flatMap((a, from) =>
          hashes.flatMap((b, to) =>
            a !== structureless && b !== structureless && hammingDistance(a, b) <= radius ? [{ from, to, similarity: 1 }] : [],
          ),
        );
        expect([...perceptualGroups(BigUint64Array.from(hashes), radius)]).toEqual(bruteComponents(hashes.length, edges));
      }),
    );
  });

  it('does not slow down for ten thousand equal hashes', () => {
    const groups = perceptualGroups(new BigUint64Array(10_000).fill(7n), 8);
    expect(groups.every((label) => label === 0)).toBe(true);
  });
});
