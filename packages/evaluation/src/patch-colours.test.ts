import { describe, expect, it } from 'vitest';
import { colourScores } from './colour';
import { patchColours } from './patch-colours';
import { pca, projectPca } from './pca';

/** (side², 4) patches: noise everywhere, and a square of `inside` in the middle of a large first number. */
function picture(side: number, seed: number, inside = 2): { data: Float32Array; shape: number[] } {
  const data = Float32Array.from({ length: side * side * 4 }, (_, at) => {
    const [patch, d] = [Math.floor(at / 4), at % 4];
    const [y, x] = [Math.floor(patch / side), patch % side];
    const front = Math.abs(y - (side - 1) / 2) < inside && Math.abs(x - (side - 1) / 2) < inside;
    return Math.sin((at + 1) * (seed + 1) * 12.9898) + (front && d === 0 ? 20 : 0);
  });
  return { data, shape: [side * side, 4] };
}

const rgb = (rgba: Uint8ClampedArray) => Uint8Array.from(rgba.filter((_, i) => i % 4 !== 3));
const alpha = (rgba: Uint8ClampedArray) => Array.from(rgba.filter((_, i) => i % 4 === 3), (value) => (value === 255 ? 1 : 0));

describe('patchColours', () => {
  const [a, b] = [picture(8, 1), picture(8, 2)];

  it('gives the three components of all images together, or of each', () => {
    const both = { data: Float32Array.from([...a.data, ...b.data]), shape: [128, 4] };
    const joint = patchColours([a, b], { columns: 8 });
    expect([...joint.flatMap((one) => [...rgb(one)])]).toEqual([...colourScores(projectPca(pca(both, 3), both))]);
    const own = patchColours([a, b], { columns: 8, joint: false });
    expect(rgb(own[1]!)).toEqual(colourScores(projectPca(pca(b, 3), b)));
    expect(alpha(own[1]!).every((value) => value === 1)).toBe(true);
  });

  it('keeps what does not touch the border, with the colours of that alone', () => {
    const [kept] = patchColours([a], { columns: 8, foreground: true });
    const inside = (patch: number) => Number([Math.floor(patch / 8), patch % 8].every((place) => place >= 2 && place <= 5));
    expect(alpha(kept!)).toEqual(Array.from({ length: 64 }, (_, patch) => inside(patch)));
    const [other] = patchColours([a], { columns: 8, foreground: { flip: true, threshold: 0.5 } });
    expect(alpha(other!)).toEqual(Array.from({ length: 64 }, (_, patch) => 1 - inside(patch)));
  });

  it('refuses patches that do not fill their rows', () => {
    expect(() => patchColours([a], { columns: 7 })).toThrow('image 0 has 64 patches, which do not fill rows of 7');
    expect(() => patchColours([a, { data: new Float32Array(24), shape: [8, 3] }], { columns: 8 })).toThrow('4 and 3 numbers per patch');
  });
});
