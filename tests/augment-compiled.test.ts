import { readFileSync } from 'node:fs';
import { augmentBatch, type ColorParameters, packAugmentParameters } from '@dinov2/augment';
import { onnxEngine } from '@dinov2/engine-onnx';
import { jit } from '@dinov2/jit';
import { describe, expect, it } from 'vitest';

const { size, cases } = JSON.parse(
  readFileSync(new URL('golden/data/augment.json', import.meta.url), 'utf8'),
) as { size: number; cases: { name: string; parameters: ColorParameters; input: string; output: string }[] };
const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];

describe('augmentBatch, compiled', () => {
  it('makes the pictures of PIL and torchvision', async () => {
    const step = jit(augmentBatch, { engine: onnxEngine() });
    const pictures = Buffer.concat(cases.map(({ input }) => Buffer.from(input, 'base64')));
    const output = await step(
      { data: Float32Array.from(pictures), shape: [cases.length, size, size, 3] },
      { data: packAugmentParameters(cases.map(({ parameters }) => parameters)), shape: [cases.length, 12] },
    );
    const normalized = await output.data();
    const length = size * size * 3;
    cases.forEach(({ name, parameters, output: expected }, row) => {
      const bytes = Buffer.from(expected, 'base64');
      let differing = 0;
      for (let i = 0; i < length; i++) {
        const value = (normalized[row * length + i]! * std[i % 3]! + mean[i % 3]!) * 255;
        const difference = Math.abs(value - bytes[i]!);
        if (difference > 0.01) differing++; // float32 rounding of 255 is 1e-5, a level is 1
        if (!parameters.solarize) expect(difference, name).toBeLessThan(1.01);
      }
      // Exact but for hue and blur, whose float32 sums may lie within a rounding error of a half.
      expect(differing / length, name).toBeLessThanOrEqual(parameters.jitter?.hue || parameters.blurSigma ? 0.001 : 0);
    });
  });
});
