import { readFileSync } from 'node:fs';
import type { RgbImage } from '@dinov2/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash, hammingDistance, perceptualHash, structureless } from './index';

interface Golden {
  picture: 'noise' | 'waves';
  width: number;
  height: number;
  hash: string;
}
const goldens = JSON.parse(readFileSync(new URL('hashes.golden.json', import.meta.url), 'utf8')) as Golden[];

const pictures = {
  noise(width: number, height: number): RgbImage {
    let state = 12345;
    const data = Uint8Array.from({ length: width * height * 3 }, () => {
      state = Math.imul(state, 1103515245) & 0x7fffffff;
      return state >> 23;
    });
    return { data, width, height };
  },
  waves: (width: number, height: number) =>
    picture(width, height, (x, y) => [
      x * 7 + Math.floor((y * y) / 5),
      Math.floor((x * x) / 11) + y * 3,
      Math.floor(x / 9) * Math.floor(y / 7) * 31,
    ]),
};

function picture(width: number, height: number, colour: (x: number, y: number) => number[]): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(colour(i % width, Math.floor(i / width)), 3 * i);
  return { data, width, height };
}

describe('perceptualHash', () => {
  it.each(goldens)('has the bits of Pillow and SciPy: $picture $width × $height', ({ picture, width, height, hash }) => {
    expect(perceptualHash(pictures[picture](width, height)).toString(16).padStart(16, '0')).toBe(hash);
  });

  it('moves by a few bits when a picture is resized and by many for another picture', () => {
    const shade = (width: number, height: number) => (x: number, y: number) => {
      const [u, v] = [x / width, y / height];
      const value = 128 + 60 * Math.sin(5 * u + 3 * v) + 60 * Math.cos(9 * u * v);
      return [value, value, 255 - value];
    };
    const large = perceptualHash(picture(300, 200, shade(300, 200)));
    const small = perceptualHash(picture(120, 80, shade(120, 80)));
    expect(hammingDistance(large, small)).toBeLessThanOrEqual(6);
    expect(hammingDistance(large, perceptualHash(pictures.waves(300, 200)))).toBeGreaterThan(12);
  });

  it('is the same for all pictures of one colour', () => {
    for (const level of [1, 77, 255]) {
      expect(perceptualHash(picture(40, 30, () => [level, level, 0]))).toBe(structureless);
    }
  });
});

describe('contentHash', () => {
  it('is SHA-256 in hexadecimal (the example of FIPS 180-2)', () => {
    expect(contentHash(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('hammingDistance', () => {
  it('counts bits that differ', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (a, b) => {
        expect(hammingDistance(a, b)).toBe((a ^ b).toString(2).replaceAll('0', '').length);
      }),
    );
  });
});
