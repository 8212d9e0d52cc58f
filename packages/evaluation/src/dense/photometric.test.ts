import { createRandom, type Random } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { colourAugmentation, photometricDistortion } from './photometric';

const image = { data: Uint8Array.from([200, 100, 50, 10, 240, 30, 90, 90, 90, 0, 0, 0, 255, 255, 255, 70, 60, 250]), width: 3, height: 2 };

/** A generator that tosses the given coins and takes the middle, or the given share, of every range. */
const scripted = (coins: readonly number[], share = 0.5): Random => {
  const left = [...coins];
  return { ...createRandom(0), integer: () => left.shift()!, uniform: (low = 0, high = 1) => low + share * (high - low) };
};

describe('photometricDistortion', () => {
  it('leaves a picture as it is when no coin falls', () => {
    expect(photometricDistortion(image, scripted([0, 0, 0, 0, 0]))).toEqual(image);
  });

  it('adds brightness and clips', () => {
    // Coins: brightness, contrast first, contrast, saturation, hue. Share 1 is +32.
    expect([...photometricDistortion(image, scripted([1, 0, 0, 0, 0], 1)).data]).toEqual([...image.data].map((x) => Math.min(255, x + 32)));
  });

  it('changes saturation as colorsys does', () => {
    // colorsys: (h, min(1, 1.5 s), v); the grey pixels stay.
    const expected = [200, 50, 0, 0, 240, 0, 90, 90, 90, 0, 0, 0, 255, 255, 255, 0, 0, 250];
    const result = [...photometricDistortion(image, scripted([0, 0, 0, 1, 0], 1)).data];
    // Blue of (200, 100, 50): saturation .75 · 1.5 > 1, so the chroma is 200 and the hue's place (100 − 50) / 150 of it.
    expected[1] = Math.round(200 / 3);
    expected[5] = Math.round((240 * 20) / 230);
    expected[15] = Math.round((250 * 10) / 190);
    expect(result).toEqual(expected);
  });

  it('turns the hue: 36° of the way from red to green', () => {
    const red = { data: Uint8Array.of(200, 0, 0), width: 1, height: 1 };
    expect([...photometricDistortion(red, scripted([0, 0, 0, 0, 1], 1)).data]).toEqual([200, 120, 0]);
  });
});

describe('colourAugmentation', () => {
  it('raises shares of intensity to the gamma and scales them', () => {
    const result = colourAugmentation(image, scripted([], 1), [0.75, 1.25]);
    const expected = [...image.data].map((x) => Math.round(Math.min(255, 255 * (x / 255) ** 1.1 * 1.25 * 1.1)));
    expect([...result.data]).toEqual(expected);
  });

  it('changes nothing in the middle of its ranges', () => {
    expect(colourAugmentation(image, scripted([]), [0.75, 1.25])).toEqual(image);
  });
});
