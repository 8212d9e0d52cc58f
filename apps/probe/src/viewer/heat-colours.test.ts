import { heat } from '@dinov2/evaluation';
import { createRandom } from '@dinov2/primitives';
import { expect, it } from 'vitest';
import { heatInRange, rangeOf } from './heat-colours';

it('gives the colours of heat over the range of the values', () => {
  const random = createRandom(5);
  const values = Float32Array.from({ length: 700 }, () => random.normal());
  const expected = heat(values);
  const rgba = heatInRange(values, rangeOf([values.subarray(0, 300), values.subarray(300)]));
  // Of 1024 steps, one is at most a level.
  expected.forEach((level, i) => expect(Math.abs(rgba[Math.floor(i / 3) * 4 + (i % 3)]! - level)).toBeLessThanOrEqual(1));
  expect(rgba.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
});
