import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inverseLengths, quantiseRows } from '../view/quantise';
import { similarities } from './similarity';

function tokens(patches: number, dimension: number, seed: number) {
  const random = createRandom(seed);
  const rows = quantiseRows(Float32Array.from({ length: patches * dimension }, () => random.normal()), patches);
  return { ...rows, inverseLengths: inverseLengths(rows.values, patches) };
}

it('is the cosine of the quantised tokens, and 1 for the patch itself', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 2, max: 50 }), fc.nat(1e6), (patches, dimension, seed) => {
      const [a, b] = [tokens(patches, dimension, seed), tokens(patches, dimension, seed + 1)];
      const patch = seed % patches;
      expect(similarities(a, patch, a)[patch]).toBeCloseTo(1, 6); // float32
      similarities(a, patch, b).forEach((found, other) => {
        const [x, y] = [a.values.subarray(patch * dimension, (patch + 1) * dimension), b.values.subarray(other * dimension, (other + 1) * dimension)];
        const product = x.reduce((sum, value, i) => sum + value * y[i]!, 0);
        expect(found).toBeCloseTo(product / Math.hypot(...x) / Math.hypot(...y), 5);
      });
    }),
  );
});
