import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collateMasks, maskGrid, maskUpperbound, sampleBlockMask, sampleExactBlockMask } from './index';

const count = (mask: Uint8Array) => mask.reduce((a, b) => a + b, 0);

describe('maskGrid', () => {
  // Values of the published generator.
  it.each([
    [224, 16, 14, 98],
    [224, 14, 16, 128],
    [518, 14, 37, 666],
    [256, 16, 16, 128],
  ])('%d pixels in patches of %d', (imageSize, patchSize, side, maxBlock) => {
    expect(maskGrid(imageSize, patchSize)).toEqual({ side, maxBlock });
  });
});

describe('sampleBlockMask', () => {
  const grid = maskGrid(224, 14);

  it('never covers more than the target and seldom much less', () => {
    const shortfalls: number[] = [];
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 128 }), (seed, target) => {
        const covered = count(sampleBlockMask(createRandom(seed), grid, target));
        expect(covered).toBeLessThanOrEqual(target);
        shortfalls.push(target - covered);
      }),
      { numRuns: 300 },
    );
    expect(shortfalls.reduce((a, b) => a + b) / shortfalls.length).toBeLessThan(4);
  });

  it('is empty for no target', () => {
    expect(count(sampleBlockMask(createRandom(0), grid, 0))).toBe(0);
  });

  it('makes blocks, not single patches', () => {
    const random = createRandom(2);
    let neighbours = 0;
    let masked = 0;
    for (let i = 0; i < 200; i++) {
      const mask = sampleBlockMask(random, grid, 64);
      for (let p = 0; p < 256; p++) {
        if (mask[p] === 0 || p % 16 === 15) continue;
        masked++;
        neighbours += mask[p + 1];
      }
    }
    // Single patches at a quarter of the places would have 0.25.
    expect(neighbours / masked).toBeGreaterThan(0.7);
  });
});

describe('sampleExactBlockMask', () => {
  it.each([false, true])('covers exactly the target, circular shift %s', (shift) => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 196 }), (seed, target) => {
        const grid = maskGrid(224, 16);
        expect(count(sampleExactBlockMask(createRandom(seed), grid, target, shift))).toBe(target);
      }),
    );
  });

  it('rolls over the edge', () => {
    const grid = maskGrid(224, 14);
    const plain = sampleExactBlockMask(createRandom(7), grid, 40);
    const rolled = sampleExactBlockMask(createRandom(7), grid, 40, true);
    const shifts = Array.from({ length: 256 }, (_, s) =>
      rolled.every((v, i) => {
        const y = ((i >> 4) + (s >> 4)) & 15;
        const x = ((i & 15) + (s & 15)) & 15;
        return v === plain[y * 16 + x];
      }),
    );
    expect(shifts).toContain(true);
  });
});

describe('collateMasks', () => {
  // (rows, image, patch) → upper bound, from the published collate function.
  it.each([
    [128, 224, 16, 3771],
    [64, 224, 14, 2496],
    [24, 224, 14, 967],
    [4, 224, 16, 156],
    [8, 224, 16, 273],
    [16, 224, 14, 663],
  ])('bounds the masked patches of %d crops of %d in patches of %d', (rows, imageSize, patchSize, expected) => {
    expect(maskUpperbound({ rows, imageSize, patchSize })).toBe(expected);
    const exact = collateMasks(createRandom(1), { rows, imageSize, patchSize, variant: 'dinov3' });
    expect(exact.count).toBe(expected);
  });

  it('lists the masked patches with weights and pads with distinct unmasked ones', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 20 }), fc.constantFrom('dinov2' as const, 'dinov3' as const), (seed, rows, variant) => {
        const N = 64;
        const { masks, indices, weights, upperbound, count: masked } = collateMasks(createRandom(seed), {
          rows,
          imageSize: 128,
          patchSize: 16,
          variant,
        });
        expect(masks.length).toBe(rows * N);
        expect(indices.length).toBe(upperbound);
        expect(weights.length).toBe(upperbound);
        expect(masked).toBe(count(masks));
        expect([...indices.subarray(0, masked)]).toEqual([...masks.keys()].filter((i) => masks[i] === 1));
        expect(new Set(indices).size).toBe(upperbound);
        expect(weights.subarray(masked).every((w) => w === 0)).toBe(true);
        // Each masked row weighs 1 in all.
        const perRow = new Map<number, number>();
        indices.subarray(0, masked).forEach((index, i) => {
          const row = Math.floor(index / N);
          perRow.set(row, (perRow.get(row) ?? 0) + weights[i]);
        });
        for (const weight of perRow.values()) expect(weight).toBeCloseTo(1, 5);
        expect(perRow.size).toBeLessThanOrEqual(Math.floor(rows / 2));
      }),
    );
  });

  it('leaves no room for masks when none are wanted', () => {
    const none = collateMasks(createRandom(0), { rows: 4, imageSize: 224, patchSize: 14, probability: 0 });
    expect(none).toMatchObject({ upperbound: 0, count: 0 });
  });

  it('refuses crops that are no whole number of patches', () => {
    expect(() => maskUpperbound({ rows: 2, imageSize: 224, patchSize: 15 })).toThrow(/not a whole number of patches of 15/);
  });
});
