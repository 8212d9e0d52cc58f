import '@dinov2/augment';
import { createRandom } from '@dinov2/primitives';
import { describe, it } from 'vitest';
import { checkPrimitive, float32, type HostTensor } from './check';

const random = createRandom(5);

/** Whole numbers 0 to 255, with many equal channels, blacks and whites among them. */
function images(...shape: number[]): HostTensor {
  const size = shape.reduce((n, length) => n * length, 1);
  const levels = [0, 1, 2, 100, 128, 254, 255];
  const value = () => (random.integer(3) === 0 ? levels[random.integer(levels.length)] : random.integer(256));
  return float32(Array.from({ length: size }, value), shape);
}

/** Rows of jitter parameters; every third image has no jitter, every fourth is gray. */
function jitters(n: number): HostTensor {
  const rows = Array.from({ length: n }, (_, i) => {
    const factor = () => random.uniform(0.2, 1.9);
    const jitter =
      i % 3 === 2
        ? Array<number>(9).fill(0)
        : [1, ...random.permutation(4), factor(), factor(), factor(), random.integer(255) - 127];
    return [...jitter, i % 4 === 3 ? 1 : 0, 0, 0];
  });
  return float32(rows.flat(), [n, 12]);
}

const exact = { rtol: 0, atol: 0 };

describe('ColorJitter', () => {
  it.each([[12, 1, 1], [8, 5, 3], [24, 8, 8], [6, 33, 17]])(
    'equals the fallback on %i images of %i × %i',
    async (n, height, width) => {
      // Levels are whole numbers; a mean luma within rounding of a half would be the only difference.
      await checkPrimitive('ColorJitter', { x: images(n, height, width, 3), params: jitters(n) }, {}, exact);
    },
  );

  it('equals the fallback on every hue', async () => {
    const n = 255;
    const colours = images(1, 4, 5, 3);
    const data = Float32Array.from({ length: n * colours.data.length }, (_, i) => colours.data[i % colours.data.length]);
    const params = Array.from({ length: n }, (_, i) => [1, 3, 0, 1, 2, 1, 1, 1, i - 127, 0, 0, 0]).flat();
    await checkPrimitive('ColorJitter', { x: { data, shape: [n, 4, 5, 3] }, params: float32(params, [n, 12]) }, {}, exact);
  });
});

describe('GaussianBlur', () => {
  it.each([[5, 5, 1], [6, 9, 3], [17, 8, 3], [20, 31, 2]])(
    'equals the fallback on %i × %i × %i',
    async (height, width, channels) => {
      const sigma = float32([0, 0.1, 0.7, 2, 1e-4]);
      await checkPrimitive('GaussianBlur', { x: images(5, height, width, channels), sigma }, {}, exact);
    },
  );
});
