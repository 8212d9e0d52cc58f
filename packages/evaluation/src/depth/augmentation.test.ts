import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { rotate } from '../dense/rotate';
import { rectangles } from '../dense/scenes.testing';
import { type DepthAugmentation, depthView, nyuBorder } from './augmentation';

const recipe: DepthAugmentation = {
  crop: [20, 28],
  rotation: 2.5,
  rotationProbability: 0.5,
  flipProbability: 0.5,
  colourProbability: 0,
  brightness: [0.75, 1.25],
};

describe('views of pictures with depth', () => {
  it('keep picture and depth together', async () => {
    for (let i = 0; i < 20; i++) {
      const { image, depth } = depthView(await rectangles(20).sample(i), recipe, createRandom(2).fork(i));
      let known = 0;
      let equal = 0;
      depth.data.forEach((metres, p) => {
        if (metres === 0) return;
        known++;
        // The ground, 5 m away, is blue-grey; what is nearer has a blue of 40 at most.
        if (metres > 4.5 === image.data[3 * p + 2]! > 95) equal++;
      });
      expect(known / depth.data.length).toBeGreaterThan(0.9);
      expect(equal / known).toBeGreaterThan(0.9);
    }
  });

  it('are the middle without a generator', async () => {
    const sample = await rectangles(1).sample(0);
    expect(depthView(sample, { ...recipe, crop: [24, 32] })).toEqual({ image: sample.image, depth: sample.depth });
  });

  it('change colours but not depth', async () => {
    const sample = await rectangles(1).sample(0);
    const coloured = { ...recipe, crop: [24, 32] as const, rotationProbability: 0, flipProbability: 0, colourProbability: 1 };
    const view = depthView(sample, coloured, createRandom(0));
    expect(view.depth).toEqual(sample.depth);
    expect(view.image.data).not.toEqual(sample.image.data);
  });

  it('leave NYU’s white border out', () => {
    const blank = { image: { data: new Uint8Array(640 * 480 * 3), width: 640, height: 480 }, depth: { data: new Float32Array(640 * 480).fill(9), width: 640, height: 480 } };
    const { top, left, height, width } = nyuBorder;
    for (let y = top; y < top + height; y++) blank.depth.data.fill(1, y * 640 + left, y * 640 + left + width);
    expect(depthView(blank, { ...recipe, border: nyuBorder, crop: [427, 565] }).depth.data.every((metres) => metres === 1)).toBe(true);
  });
});

describe('rotate', () => {
  it('turns a square by right angles exactly', () => {
    const image = { data: Uint8Array.from({ length: 75 }, (_, i) => i * 3), width: 5, height: 5 };
    const depth = { data: Float32Array.from({ length: 25 }, (_, i) => i), width: 5, height: 5 };
    const turned = rotate(image, depth, 90);
    // Clockwise: the pixel at column x, row y comes from column y, row 4 − x.
    const expected = Array.from({ length: 25 }, (_, i) => (4 - (i % 5)) * 5 + Math.floor(i / 5));
    expect([...turned.depth.data]).toEqual(expected);
    turned.depth.data.forEach((from, to) => expect(turned.image.data[3 * to]).toBe(image.data[3 * from]));
    expect(rotate(turned.image, turned.depth, -90)).toEqual({ image, depth });
  });
});
