import { preprocessings } from '@dinov2/augment';
import { describe, expect, it } from 'vitest';
import { cut, geometryOf, preprocessingForView } from './geometry';

describe('preprocessingForView', () => {
  const own = preprocessings.dinov2; // 256, middle 224
  it('leaves pictures of enough patches as they are', () => {
    expect(preprocessingForView(own, 14)).toBe(own);
  });

  it('keeps the share that is seen at other sizes', () => {
    expect(preprocessingForView(own, 14, 448)).toMatchObject({ resize: { shortestEdge: 512 }, crop: { height: 448, width: 448 } });
    expect(preprocessingForView({ ...own, resize: { shortestEdge: 96 }, crop: { height: 84, width: 84 } }, 14)).toMatchObject({
      resize: { shortestEdge: 256 },
      crop: { height: 224, width: 224 },
    });
    expect(preprocessingForView(preprocessings.dinov3, 16, 512)).toMatchObject({ resize: { height: 512, width: 512 } });
  });

  it('explains a size that is no multiple of the patch', () => {
    expect(() => preprocessingForView(own, 14, 225)).toThrow('--size 225 is no multiple of the patch size 14; pass 224');
  });
});

it('cuts the middle that the network sees', () => {
  const geometry = geometryOf(preprocessings.dinov2);
  expect(cut({ width: 1024, height: 512 }, geometry, 1)).toEqual({ resized: { width: 512, height: 256 }, left: 144, top: 16, width: 224, height: 224 });
  expect(cut({ width: 300, height: 900 }, geometry, 2)).toEqual({ resized: { width: 512, height: 1536 }, left: 32, top: 544, width: 448, height: 448 });
});
