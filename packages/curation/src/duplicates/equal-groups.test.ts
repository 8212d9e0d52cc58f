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

  it('join only pictures of about equal proportions, where these are given', () => {
    const pictures = fc.array(fc.tuple(fc.constantFrom(0n, 1n, 0b111n, 0xffffn), fc.integer({ min: 10, max: 20 })), { maxLength: 24 });
    fc.assert(
      fc.property(pictures, fc.integer({ min: 0, max: 3 }), (recipes, radius) => {
        const near = ([a, width]: [bigint, number], [b, other]: [bigint, number]) =>
          hammingDistance(a, b) <= radius && Math.max(width / other, other / width) <= 1.12;
        const edges = recipes.flatMap((a, from) => recipes.flatMap((b, to) => (near(a, b) ? [{ from, to, similarity: 1 }] : [])));
        const groups = perceptualGroups(BigUint64Array.from(recipes, ([hash]) => hash), radius, {
          aspects: recipes.map(([, width]) => width / 15),
          aspectTolerance: 0.12,
        });
        expect([...groups]).toEqual(bruteComponents(recipes.length, edges));
      }),
    );
    expect(() => perceptualGroups(new BigUint64Array(2), 0, { aspects: [1] })).toThrow('aspects has 1 entries for 2 rows');
    expect(() => perceptualGroups(new BigUint64Array(2), 0, { aspectTolerance: -1 })).toThrow('aspect tolerance -1');
  });

  it('does not slow down for ten thousand equal hashes', () => {
    const groups = perceptualGroups(new BigUint64Array(10_000).fill(7n), 8);
    expect(groups.every((label) => label === 0)).toBe(true);
  });
});
