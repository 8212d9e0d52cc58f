import { type Preprocessing, preprocessings } from '@dinov2/augment';
import { describe, expect, it } from 'vitest';
import type { NamedWeights } from '../inputs/weights';
import { cut, geometryOf, preprocessingForView } from './geometry';

describe('preprocessingForView', () => {
  const own = preprocessings.dinov2; // 256, middle 224
  const weights = (preprocessing: Preprocessing) => ({ path: 'w', pretrained: { preprocessing, config: { patchSize: 14 } } }) as unknown as NamedWeights;

  it('leaves pictures of enough patches as they are', () => {
    expect(preprocessingForView(weights(own))).toBe(own);
  });

  it('looks at 16 patches of what was trained on fewer, and at the size asked for', () => {
    const small = { ...own, resize: { shortestEdge: 96 }, crop: { height: 84, width: 84 } };
    expect(preprocessingForView(weights(small))).toMatchObject({ resize: { shortestEdge: 256 }, crop: { height: 224, width: 224 } });
    expect(preprocessingForView(weights(small), 448)).toMatchObject({ resize: { shortestEdge: 512 }, crop: { height: 448, width: 448 } });
    expect(() => preprocessingForView(weights(own), 225)).toThrow('--size 225 is no multiple of the patches of 14 pixels');
  });
});

it('cuts the middle that the network sees', () => {
  const geometry = geometryOf(preprocessings.dinov2);
  expect(cut({ width: 1024, height: 512 }, geometry, 1)).toEqual({ resized: { width: 512, height: 256 }, left: 144, top: 16, width: 224, height: 224 });
  expect(cut({ width: 300, height: 900 }, geometry, 2)).toEqual({ resized: { width: 512, height: 1536 }, left: 32, top: 544, width: 448, height: 448 });
});
