import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { jit } from '@dinov2/jit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLikeTfjs, withTrustedGradients } from '../../../tests/support/engine-cases/ops';
import { opCases } from '../../../tests/support/op-cases';
import { onnxEngine } from './index';

const engine = onnxEngine({ threads: 2 });

beforeAll(() => tf.setBackend('cpu'));
afterAll(() => engine.dispose());

/** Ops that ONNX Runtime cannot compute: the engine says so. */
const unsupported = new Set([
  'conv3d',
  'cropAndResize',
  'dilation2d',
  'maxPool3d and avgPool3d',
  'rotateWithOffset',
  'transform',
]);

describe.each(Object.entries(opCases))('%s, on ONNX Runtime against tfjs', (_, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (name, opCase) => {
    await fc.assert(
      fc.asyncProperty(opCase.examples, async (example) => {
        const fn = withTrustedGradients(example, opCase);
        if (unsupported.has(name)) {
          await expect(jit(fn, { engine })(...(example.inputs as never[]))).rejects.toThrow(/has no implementation on ONNX Runtime/);
          return;
        }
        await expectLikeTfjs(engine, fn, example.inputs);
      }),
      { numRuns: 8 },
    );
  });
});
