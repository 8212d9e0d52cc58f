import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preprocessings } from '@dinov2/augment';
import { forwardFeatures, type HostArray, initialize, parameterShapes, type VitConfig, vitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { hashedParameters, symmetric } from '../../../../tests/support/golden';
import { exportOnnx, writeBackbone } from './export-onnx';

let folder = '';
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'onnx-'));
});
afterAll(() => rm(folder, { recursive: true }));

const small = { embedDim: 16, depth: 2, heads: 2, patchSize: 4, imageSize: 16 } as const;

function hashed(config: VitConfig): Record<string, HostArray> {
  const parameters = hashedParameters(parameterShapes(config));
  const { 'rope_embed.periods': periods } = initialize(config, 0);
  return { ...parameters, ...(periods && { 'rope_embed.periods': periods }) };
}

/** Normalised pictures as (B, 3, H, W) for ONNX and as (B, H, W, 3) for us. */
function pictures(batch: number, height: number, width: number): { nchw: Tensor; nhwc: tf.Tensor } {
  const values = symmetric(7, batch * 3 * height * width).map((x) => 4 * x);
  const nhwc = tf.transpose(tf.tensor(values, [batch, 3, height, width]), [0, 2, 3, 1]);
  return { nchw: new Tensor('float32', Float32Array.from(values), [batch, 3, height, width]), nhwc };
}

/** Largest difference of either output from our own forward. */
async function expectEqualFeatures(
  session: InferenceSession,
  model: { config: VitConfig; parameters: Record<string, HostArray> },
  [batch, height, width]: readonly [number, number, number],
  atol: number,
): Promise<void> {
  const { nchw, nhwc } = pictures(batch, height, width);
  const { last_hidden_state: hidden, pooler_output: pooled } = await session.run({ pixel_values: nchw });
  const parameters = Object.fromEntries(
    Object.entries(model.parameters).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  const { clsToken, registerTokens, patchTokens } = forwardFeatures(parameters, model.config, nhwc);
  const expected = tf.concat([tf.expandDims(clsToken, 1), registerTokens, patchTokens], 1);
  expect(hidden!.dims).toEqual(expected.shape);
  expect(pooled!.dims).toEqual(clsToken.shape);
  expectAllclose(hidden!.data as Float32Array, expected.dataSync(), { rtol: 0, atol });
  expectAllclose(pooled!.data as Float32Array, clsToken.dataSync(), { rtol: 0, atol });
}

const configs: Record<string, VitConfig> = {
  'a table resampled with offset 0.1': vitConfig('tiny', small),
  'a table resampled to exact ratios': vitConfig('tiny', { ...small, interpolation: { offset: 0, antialias: false } }),
  'registers and antialiasing': vitConfig('tiny', { ...small, registers: 3 }),
  'a gated feed-forward layer': vitConfig('tiny', { ...small, ffn: 'swiglu' }),
  'no LayerScale': vitConfig('tiny', { ...small, layerScale: 0 }),
  'rotary positions': vitConfig('dinov3-small', { ...small }),
  'rotary positions, a gate and no qkv bias': vitConfig('dinov3-7b', { ...small }),
};

// The table's own grid, fewer and more patches on both axes, and on one only.
const sizes = [[1, 16, 16], [3, 12, 24], [1, 16, 28], [2, 8, 8], [1, 4, 16]] as const;

describe.each(Object.entries(configs))('an ONNX model with %s', (name, config) => {
  const model = { config, parameters: hashed(config) };

  it('gives our features at any batch and size', async () => {
    const path = join(folder, `${name}.onnx`);
    await exportOnnx(path, model);
    const session = await InferenceSession.create(path);
    // Both compute in float32 with sums in different orders; features after the last norm are of size 1.
    for (const size of sizes) await expectEqualFeatures(session, model, size, 2e-5);
    await session.release();
  });

  it('stays near them in float16, with the same inputs and outputs', async () => {
    const path = join(folder, `${name}.fp16.onnx`);
    await exportOnnx(path, model, { precision: 'float16' });
    const session = await InferenceSession.create(path);
    // Halves have 11 bits: 5e-4 of each value, through two blocks.
    for (const size of sizes) await expectEqualFeatures(session, model, size, 1e-2);
    await session.release();
  });
});

describe('a model larger than a protobuf message', () => {
  const config = vitConfig('tiny', small);
  const model = { config, parameters: hashed(config) };

  it.each(['float32', 'float16'] as const)('keeps its %s weights in a second file', async (precision) => {
    const path = join(folder, `large-${precision}.onnx`);
    const { externalData } = await writeBackbone(path, model, precision, 10_000);
    expect(externalData).toBe(true);
    const session = await InferenceSession.create(path);
    await expectEqualFeatures(session, model, [2, 12, 24], precision === 'float32' ? 2e-5 : 1e-2);
    await session.release();

    // The next model of this name is small, and nothing of the large one is left.
    expect((await exportOnnx(path, model, { precision })).externalData).toBe(false);
    expect((await readdir(folder)).filter((file) => file.startsWith(`large-${precision}`))).toEqual([`large-${precision}.onnx`]);
  });
});

describe('exportOnnx', () => {
  const config = vitConfig('tiny', small);
  const parameters = hashed(config);

  it('keeps the configuration and the preprocessing in the metadata', async () => {
    const path = join(folder, 'metadata.onnx');
    await exportOnnx(path, { config, parameters, preprocessing: preprocessings.dinov2 });
    const text = await readFile(path, 'latin1');
    expect(text).toContain(JSON.stringify(config));
    expect(text).toContain(JSON.stringify(preprocessings.dinov2));
  });

  it('refuses weights beyond float16, and leaves no file', async () => {
    const path = join(folder, 'beyond.onnx');
    const bias = { data: new Float32Array(16).fill(65_520), shape: [16] };
    const model = { config, parameters: { ...parameters, 'norm.bias': bias } };
    await expect(exportOnnx(path, model, { precision: 'float16' })).rejects.toThrow(/"norm\.bias" holds 65520, beyond float16/);
    expect((await readdir(folder)).filter((name) => name.startsWith('beyond'))).toEqual([]);
    await exportOnnx(path, model);
  });

  it('says what is wrong with a model or a path', async () => {
    const { 'norm.bias': _, ...others } = parameters;
    await expect(exportOnnx(join(folder, 'part.onnx'), { config, parameters: others })).rejects.toThrow(/"norm\.bias".*is missing/);
    await expect(exportOnnx(join(folder, 'nowhere', 'a.onnx'), { config, parameters })).rejects.toThrow(/Cannot write .*Check the folder/);
  });
});
