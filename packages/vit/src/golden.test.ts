import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectGolden,
  type Golden,
  hashedParameters,
  readGolden,
  symmetric,
} from '../../../tests/support/golden';
import { order } from '../../../tests/support/hash';
import type { VitConfig } from './config';
import { vitConfig } from './config';
import { forwardFeatures, forwardPacked, getIntermediateLayers } from './forward';
import { type Parameters, parameterShapes } from './parameters';
import { ropePeriods } from './rope';
import type { DropPathRows } from './stochastic-depth';

const small = { embedDim: 16, depth: 2, heads: 2, patchSize: 4, imageSize: 16 } as const;

const images = (seed: number, batch: number, height: number, width: number): tf.Tensor =>
  tf.mul(2, tf.tensor(symmetric(seed, batch * height * width * 3), [batch, height, width, 3]));

const masks = (seed: number, batch: number, patches: number): tf.Tensor =>
  tf.tensor(Uint8Array.from(symmetric(seed, batch * patches), (x) => (x < -0.1 ? 1 : 0)), [batch, patches], 'bool');

/** Σ of each output times its own coefficients, as in tests/golden/vit.py. */
const objective = (outputs: readonly tf.Tensor[]): tf.Scalar =>
  tf.addN(
    outputs.map((value, i) => tf.sum(tf.mul(value, tf.tensor(symmetric(50 + i, value.size), value.shape)))),
  ) as tf.Scalar;

function tensors(config: VitConfig): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(hashedParameters(parameterShapes(config))).map(([name, { data, shape }]) => [
      name,
      tf.tensor(data, [...shape]),
    ]),
  );
}

function expectGradients(
  params: Record<string, tf.Tensor>,
  loss: (params: Parameters) => tf.Scalar,
  golden: Golden,
): void {
  const names = Object.keys(params);
  const gradients = tf.grads((...values: tf.Tensor[]) =>
    loss(Object.fromEntries(names.map((name, i) => [name, values[i]]))),
  )(names.map((name) => params[name]));
  expect(names.length).toBe(Object.keys(golden).filter((name) => name.startsWith('grad.')).length);
  names.forEach((name, i) => expectGolden(gradients[i], golden, `grad.${name}`));
}

describe.each(['cpu', 'wasm'])('against PyTorch on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it('runs groups of different sizes with masks and dropped rows', () => {
    const config = vitConfig('tiny', small);
    const golden = readGolden('vit-packed');
    const params = tensors(config);
    const groups = [{ images: images(1, 5, 16, 16), masks: masks(2, 5, 16) }, { images: images(3, 7, 8, 12) }];
    const branch = (block: number, index: number): tf.Tensor[] =>
      [[5, 3] as const, [7, 4] as const].map(([b, k], group) =>
        tf.tensor1d(order(100 + 10 * block + 4 * group + index, b).slice(0, k), 'int32'),
      );
    const dropRows: DropPathRows = [0, 1].map((i) => ({ attention: branch(i, 0), ffn: branch(i, 1) }));
    const outputs = (p: Parameters, rows?: DropPathRows): tf.Tensor[] =>
      forwardPacked(p, config, groups, { dropRows: rows }).flatMap((f) => [f.clsToken, f.patchTokens]);

    const names = ['cls0', 'patches0', 'cls1', 'patches1'];
    outputs(params).forEach((value, i) => expectGolden(value, golden, `full.${names[i]}`));
    outputs(params, dropRows).forEach((value, i) => expectGolden(value, golden, `dropped.${names[i]}`));
    expectGradients(params, (p) => objective(outputs(p, dropRows)), golden);
  });

  it('runs registers, SwiGLU and antialiased positions', () => {
    const config = vitConfig('tiny', { ...small, registers: 4, ffn: 'swiglu' });
    const golden = readGolden('vit-registers');
    const params = tensors(config);
    const pixels = images(1, 3, 24, 16);
    const masked = masks(2, 3, 24);
    const tokens = (p: Parameters): tf.Tensor => {
      const f = forwardFeatures(p, config, pixels, { masks: masked });
      return tf.concat([tf.expandDims(f.clsToken, 1), f.registerTokens, f.patchTokens], 1);
    };
    expectGolden(tokens(params), golden, 'layer1');
    expectGolden(forwardFeatures(params, config, pixels, { masks: masked }).prenorm, golden, 'prenorm');
    expectGradients(params, (p) => objective([tokens(p)]), golden);
  });

  it('runs size-based positions and intermediate layers', () => {
    const config = vitConfig('tiny', { ...small, interpolation: { offset: 0, antialias: false } });
    const golden = readGolden('vit-sized');
    const params = tensors(config);
    const pixels = images(1, 2, 8, 12);
    const join = (layer: { clsToken?: tf.Tensor; patchTokens: tf.Tensor }): tf.Tensor =>
      tf.concat([tf.expandDims(layer.clsToken!, 1), layer.patchTokens], 1);

    const layers = getIntermediateLayers(params, config, pixels, 2, { returnClassToken: true });
    layers.forEach((layer, i) => expectGolden(join(layer), golden, `layer${i}`));
    const last = getIntermediateLayers(params, config, pixels, [1], { returnClassToken: true, norm: false });
    expectGolden(join(last[0]), golden, 'prenorm');
    // HF adds the mask token to the graph only when there is a mask; ours is unused here too.
    const { mask_token, ...used } = params;
    const { 'grad.mask_token': unused, ...gradients } = golden;
    expect(unused.data.every((x) => x === 0)).toBe(true);
    expectGradients(
      used,
      (p) => {
        const f = forwardFeatures({ ...p, mask_token }, config, pixels);
        return objective([join(f)]);
      },
      gradients,
    );
  });

  it.each([
    ['rope', { ffn: 'mlp', mlpRatio: 2.5, qkvBias: true }],
    ['rope-gated', { ffn: 'swiglu', mlpRatio: 3.75, qkvBias: false }],
  ] as const)('turns queries and keys: %s', (name, layers) => {
    const config = vitConfig('dinov3-small', { ...small, ...layers });
    const golden = readGolden(`vit-${name}`);
    const { 'rope_embed.periods': _, ...learned } = tensors(config);
    const periods = { 'rope_embed.periods': tf.tensor1d(ropePeriods(config)) };
    const wide = { images: images(1, 3, 12, 20), masks: masks(2, 3, 15) };
    const square = { images: images(3, 2, 16, 16) };
    const tokens = (p: Parameters): tf.Tensor[] =>
      forwardPacked({ ...p, ...periods }, config, [wide, square]).map((f) =>
        tf.concat([tf.expandDims(f.clsToken, 1), f.registerTokens, f.patchTokens], 1),
      );
    tokens(learned).forEach((value, i) => expectGolden(value, golden, ['wide', 'square'][i]));
    expectGradients(learned, (p) => objective(tokens(p)), golden);

    // Intermediate layers take no masks: the first block of the square images, by the packed pass of a shorter model.
    const all = { ...learned, ...periods };
    const [layer] = getIntermediateLayers(all, config, square.images, [0], { returnClassToken: true, returnRegisterTokens: true });
    const [short] = forwardPacked(all, { ...config, depth: 1 }, [square]);
    expect(layer.registerTokens!.dataSync()).toEqual(short.registerTokens.dataSync());
    expect(layer.clsToken!.dataSync()).toEqual(short.clsToken.dataSync());
    expect(layer.patchTokens.dataSync()).toEqual(short.patchTokens.dataSync());
    const [masked] = forwardPacked(all, { ...config, depth: 1 }, [wide]);
    expectGolden(tf.concat([tf.expandDims(masked.clsToken, 1), masked.registerTokens, masked.patchTokens], 1), golden, 'wide.block0');
  });
});
