import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { symmetric } from '../../../../tests/support/golden';
import { resampleMap } from './bilinear';
import type { ImageTokens } from './features';
import { inferMaps, passesPerImage } from './infer';
import { colourTokens } from './scenes.testing';

const image = { data: Uint8Array.from(symmetric(1, 3 * 22 * 30), (x) => 255 * (x + 0.5)), width: 30, height: 22 };
const input = { extract: colourTokens(), patchSize: 4 };

/** The tokens themselves as the map: 9 channels. */
const head = ({ patchTokens, grid }: ImageTokens) => Promise.resolve({ data: patchTokens, height: grid.rows, width: grid.columns });

describe('inferMaps', () => {
  it('is the enlarged map of the padded picture, cut to the picture', async () => {
    const [map] = await inferMaps([image], {}, input, 9, head);
    let seen: ImageTokens | undefined;
    await inferMaps([image], {}, input, 9, (tokens) => head((seen = tokens)));
    // 22 × 30 in patches of 4 is padded to 24 × 32, one pixel on each side.
    const whole = resampleMap({ data: seen!.patchTokens, height: 6, width: 8 }, 9, [24, 32]);
    const expected = Array.from({ length: 22 * 30 * 9 }, (_, i) => whole[((Math.floor(i / 270) + 1) * 32 + (Math.floor(i / 9) % 30) + 1) * 9 + (i % 9)]!);
    expectAllclose(map!, expected);
  });

  it('averages windows before it finishes and versions after', async () => {
    const test = { window: [12, 16], stride: [10, 14], scales: [1, 1.5], flip: true } as const;
    // A finish that keeps the sign alone: of averages of windows, then averaged over 4 versions.
    const [map] = await inferMaps([image], test, input, 9, head, (values) => values.forEach((value, i) => (values[i] = Math.sign(value))));
    expect([...new Set(map)].every((value) => [-1, -0.5, 0, 0.5, 1].includes(value))).toBe(true);
    const windows = (length: number, size: number, step: number) => Math.ceil(Math.max(0, length - size) / step) + 1;
    const passes = windows(22, 12, 10) * windows(30, 16, 14) + windows(33, 12, 10) * windows(45, 16, 14);
    expect(passesPerImage(image, test)).toBe(2 * passes);
  });

  it('gives the same a few channels at a time', async () => {
    // 23 million numbers in 2 channels pass the limit, so that the channels are taken one by one.
    const wide = { data: new Uint8Array(3 * 16 * 16), width: 16, height: 16 };
    const two = () => Promise.resolve({ data: Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40), height: 2, width: 2 });
    const [map] = await inferMaps([wide], { shortSide: 3400 }, { ...input, extract: smallTokens }, 2, two);
    for (let i = 0; i < map!.length; i += 2) expect(map![i + 1]! / map![i]!).toBeCloseTo(10, 4);
    expect(map![0]).toBeCloseTo(1, 3);
    expect(map!.at(-1)).toBeCloseTo(40, 2);
  });
});

/** One number per patch of 4 pixels, without looking. */
function smallTokens({ shape }: { shape: readonly number[] }) {
  const [batch, height, width] = shape as [number, number, number];
  const size = [batch, 1, height / 4, width / 4, 1];
  return Promise.resolve({ patchTokens: { data: new Float32Array(size.reduce((a, b) => a * b)), shape: size } });
}
