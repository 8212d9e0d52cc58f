import { colourScores, pca, projectPca } from '@dinov2/evaluation';
import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { quantiseRows } from '../../view/quantise';
import { pcaColours } from './pca-colours';

const [side, dimension] = [8, 24];
const patches = side * side;

/** Tokens of a picture with a block of other tokens in its middle. */
function picture(seed: number) {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: patches * dimension }, (_, i) => {
    const patch = Math.floor(i / dimension);
    return (inside(patch) ? 3 : -1) * Math.sin(i % dimension) + 0.3 * random.normal();
  });
  return quantiseRows(data, patches);
}

const inside = (patch: number) => [patch % side, Math.floor(patch / side)].every((place) => place >= 2 && place <= 5);
const rgb = (rgba: Uint8ClampedArray) => [...rgba].filter((_, i) => i % 4 !== 3);
const visible = (rgba: Uint8ClampedArray) => Array.from({ length: patches }, (_, patch) => rgba[patch * 4 + 3] === 255);

function expected(images: ReturnType<typeof picture>[]) {
  const data = Float32Array.from(images.flatMap(({ values, scales }) => [...values].map((value, i) => value * scales[Math.floor(i / dimension)]!)));
  const features = { data, shape: [data.length / dimension, dimension] };
  return [...colourScores(projectPca(pca(features, 3), features))];
}

describe('pcaColours', () => {
  const images = [picture(1), picture(2)];

  it('colours each picture by its own components', () => {
    const colours = pcaColours({ images, columns: side, joint: false });
    colours.forEach((rgba, i) => expect(rgb(rgba)).toEqual(expected([images[i]!])));
  });

  it('colours all by common components', () => {
    const colours = pcaColours({ images, columns: side, joint: true });
    expect(colours.flatMap(rgb)).toEqual(expected(images));
  });

  it('finds the foreground, and flips it', () => {
    const request = { images, columns: side, joint: true };
    for (const rgba of pcaColours({ ...request, foreground: { threshold: 0.5, flip: false } })) {
      expect(visible(rgba)).toEqual(Array.from({ length: patches }, (_, patch) => inside(patch)));
    }
    for (const rgba of pcaColours({ ...request, foreground: { threshold: 0.5, flip: true } })) {
      expect(visible(rgba)).toEqual(Array.from({ length: patches }, (_, patch) => !inside(patch)));
    }
  });

  it('colours nothing where nothing is left', () => {
    const [rgba] = pcaColours({ images: [images[0]!], columns: side, joint: true, foreground: { threshold: 1, flip: false } });
    expect(visible(rgba!).every((shown) => shown) || visible(rgba!).every((shown) => !shown)).toBe(true);
  });
});
