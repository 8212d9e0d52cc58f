import { effectiveRank, featureStd } from '@dinov2/evaluation';
import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { featureSpread } from './feature-spread';

const random = createRandom(1);
const normal = (rows: number, columns: number) => ({
  data: Float32Array.from({ length: rows * columns }, () => random.normal()),
  shape: [rows, columns],
});

describe('featureSpread', () => {
  it('measures all of a few images', () => {
    const features = normal(300, 8);
    expect(featureSpread(features)).toEqual({ featureStd: featureStd(features), effectiveRank: effectiveRank(features) });
  });

  it('looks at 512 of many, from the first to the last', () => {
    const features = normal(2048, 8);
    const chosen = Array.from({ length: 512 }, (_, i) => [...features.data.subarray(4 * i * 8, (4 * i + 1) * 8)]).flat();
    const some = { data: Float32Array.from(chosen), shape: [512, 8] };
    expect(featureSpread(features)).toEqual({ featureStd: featureStd(some), effectiveRank: effectiveRank(some) });
  });
});
