import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSampler } from './sampler';

const take = (sampler: ReturnType<typeof createSampler>, from: number, count: number) =>
  Array.from({ length: count }, (_, i) => sampler.at(from + i));

describe('createSampler', () => {
  it('resumes anywhere as if never interrupted', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 200 }), (seed, size, start) => {
        const uninterrupted = take(createSampler({ size, seed }), 0, start + 60).slice(start);
        expect(take(createSampler({ size, seed }), start, 60)).toEqual(uninterrupted);
      }),
    );
  });

  it('shows each process every image of its share once per pass, and no other', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 5, max: 60 }), (seed, world, size) => {
        const seen = Array.from({ length: world }, (_, rank) => {
          const sampler = createSampler({ size, seed, rank, world });
          const first = take(sampler, 0, sampler.passSize);
          const third = take(sampler, 2 * sampler.passSize, sampler.passSize);
          expect(new Set(first).size).toBe(Math.floor(size / world));
          expect(new Set(third)).toEqual(new Set(first));
          return first;
        }).flat();
        expect(new Set(seen).size).toBe(seen.length);
        for (const index of seen) {
          expect(index).toBeGreaterThanOrEqual(0);
          expect(index).toBeLessThan(size);
        }
      }),
    );
  });

  it('shuffles anew on each pass and for each seed', () => {
    const sampler = createSampler({ size: 100, seed: 1 });
    expect(take(sampler, 0, 100)).not.toEqual(take(sampler, 100, 100));
    expect(take(sampler, 0, 100)).not.toEqual(take(createSampler({ size: 100, seed: 2 }), 0, 100));
  });

  it('refuses shares that are empty or do not exist', () => {
    expect(() => createSampler({ size: 3, seed: 0, rank: 0, world: 4 })).toThrow(/3 images cannot be shared by 4/);
    expect(() => createSampler({ size: 3, seed: 0, rank: 2, world: 2 })).toThrow(/rank 2 of 2/);
  });
});
