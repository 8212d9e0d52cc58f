import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type PreprocessingName, preprocessings } from './preprocessing';

interface Stated {
  size: [number, number];
  mean: number[];
  std: number[];
  interpolation: string;
  cropShare?: number;
}

describe('preprocessings', () => {
  const { stated } = JSON.parse(
    readFileSync(new URL('../../../tests/golden/data/preprocessing.json', import.meta.url), 'utf8'),
  ) as { stated: Record<PreprocessingName, Stated> };

  it.each(Object.entries(stated))('says of %s what its program says', (name, { size: [height, width], ...said }) => {
    const { resize, crop, resample, mean, std } = preprocessings[name as PreprocessingName];
    expect({ interpolation: resample, mean, std }).toEqual({
      interpolation: said.interpolation,
      mean: said.mean,
      std: said.std,
    });
    if (said.cropShare === undefined) {
      expect([resize, crop]).toEqual([{ height, width }, undefined]);
    } else {
      expect([resize, crop]).toEqual([{ shortestEdge: height / said.cropShare }, { height, width }]);
    }
  });

  it('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(preprocessings))).toEqual(preprocessings);
  });
});
