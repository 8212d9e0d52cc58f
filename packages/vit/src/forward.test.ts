import '@tensorflow/tfjs';
import { createRandom } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { type VitConfig, vitConfig } from './config';
import { VitError } from './error';
import { forwardFeatures, forwardPacked, getIntermediateLayers } from './forward';
import { initialize } from './initialize';
import { type Parameters, parameterShapes } from './parameters';
import { type DropPathRows, sampleDropPathRows } from './stochastic-depth';

beforeAll(() => tf.setBackend('cpu'));

const small = { embedDim: 8, depth: 2, heads: 2, patchSize: 2, imageSize: 8, layerScale: 1 } as const;

function parameters(config: VitConfig): Parameters {
  return Object.fromEntries(
    Object.entries(initialize(config, 0)).map(([name, { data, shape }]) => [
      name,
      // Ten times the initial weights, so that a wrong token would be seen in the result.
      tf.mul(tf.tensor(data, [...shape]), name.endsWith('.weight') && !name.includes('norm') ? 10 : 1),
    ]),
  );
}

const pictures = (batch: number, height: number, width: number, seed = 1): tf.Tensor =>
  tf.randomNormal([batch, height, width, 3], 0, 1, 'float32', seed);

const toTensors = (rows: ReturnType<typeof sampleDropPathRows>): DropPathRows =>
  rows.map(({ attention, ffn }) => ({
    attention: attention.map(({ data }) => tf.tensor1d(data, 'int32')),
    ffn: ffn.map(({ data }) => tf.tensor1d(data, 'int32')),
  }));

describe('forwardPacked', () => {
  it('equals a pass per group, whatever the groups', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            batch: fc.integer({ min: 1, max: 4 }),
            rows: fc.integer({ min: 1, max: 5 }),
            columns: fc.integer({ min: 1, max: 5 }),
            masked: fc.boolean(),
          }),
          { minLength: 1, maxLength: 3 },
        ),
        fc.constantFrom('mlp', 'swiglu'),
        fc.constantFrom('table', 'rope'),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom(0, 0.4),
        (shapes, ffn, positions, registers, rate) => {
          const config = vitConfig('tiny', { ...small, ffn, positions, registers });
          tf.tidy(() => {
            const params = parameters(config);
            const groups = shapes.map(({ batch, rows, columns, masked }, i) => ({
              images: pictures(batch, 2 * rows, 2 * columns, i),
              ...(masked && {
                masks: tf.tensor2d(
                  Array.from({ length: batch * rows * columns }, (_, j) => ((i + j) % 3 === 0 ? 1 : 0)),
                  [batch, rows * columns],
                ),
              }),
            }));
            const sizes = shapes.map(({ batch }) => batch);
            const dropRows = toTensors(sampleDropPathRows(createRandom(3), sizes, rate, config.depth));
            const packed = forwardPacked(params, config, groups, { dropRows });
            groups.forEach((group, j) => {
              const own = dropRows.map(({ attention, ffn: rows }) => ({
                attention: attention.slice(j, j + 1),
                ffn: rows.slice(j, j + 1),
              }));
              const [alone] = forwardPacked(params, config, [group], { dropRows: own });
              for (const key of ['clsToken', 'registerTokens', 'patchTokens', 'prenorm'] as const) {
                expect(packed[j][key].shape).toEqual(alone[key].shape);
                // The same sums in the same order: equal to the bit on this backend.
                expect(packed[j][key].dataSync()).toEqual(alone[key].dataSync());
              }
            });
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('leaves images that no block draws as they entered', () => {
    const config = vitConfig('tiny', small);
    const params = parameters(config);
    const images = pictures(4, 8, 8);
    const rows = tf.tensor1d([1], 'int32');
    const dropRows = [0, 1].map(() => ({ attention: [rows], ffn: [rows] }));
    const [{ prenorm }] = forwardPacked(params, config, [{ images }], { dropRows });
    const none = forwardFeatures(params, { ...config, depth: 0 }, images);
    const first = (x: tf.Tensor): ArrayLike<number> => tf.slice(x, 0, 1).dataSync();
    expect(first(prenorm)).toEqual(first(none.prenorm));
  });

  it.each(['table', 'rope'] as const)('leaves no tensors but its results, and gradients likewise: %s', (positions) => {
    const config = vitConfig('tiny', { ...small, positions, registers: 1 });
    const params = parameters(config);
    const groups = [{ images: pictures(2, 8, 8) }, { images: pictures(4, 4, 4) }];
    const dropRows = toTensors(sampleDropPathRows(createRandom(0), [2, 4], 0.5, 2));
    const before = tf.memory().numTensors;
    const result = forwardPacked(params, config, groups, { dropRows });
    expect(tf.memory().numTensors - before).toBe(8);
    tf.dispose(result);

    // Without masks the mask token takes no part, and periods are constants: tfjs has no gradient for either.
    const used = Object.keys(params).filter((name) => name !== 'mask_token' && name !== 'rope_embed.periods');
    const start = tf.memory().numTensors;
    const values = tf.grads((...tensors: tf.Tensor[]) => {
      const record = { ...params, ...Object.fromEntries(used.map((name, i) => [name, tensors[i]])) };
      const [{ clsToken }, local] = forwardPacked(record, config, groups, { dropRows });
      return tf.add(tf.sum(clsToken), tf.sum(tf.square(local.patchTokens)));
    })(used.map((name) => params[name]));
    expect(tf.memory().numTensors - start).toBe(used.length);
    tf.dispose(values);
  });

  it('refuses rows for another depth or other groups', () => {
    const config = vitConfig('tiny', small);
    expect(() => forwardPacked({}, config, [], { dropRows: [] })).toThrow('this model has 2');
    const rows = [tf.tensor1d([0], 'int32')];
    const dropRows = [0, 1].map(() => ({ attention: rows, ffn: [] }));
    const images = pictures(2, 4, 4);
    expect(() => forwardPacked({}, config, [{ images }, { images }], { dropRows })).toThrow('for 1 groups');
    expect(() => forwardPacked({}, config, [])).toThrow('pass at least one');
  });
});

describe('forwardFeatures', () => {
  it('sees nothing of a masked patch', () => {
    const config = vitConfig('tiny', small);
    const params = parameters(config);
    const images = pictures(1, 4, 4);
    const black = tf.mul(images, tf.tensor4d([1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], [1, 4, 4, 1]));
    const masks = tf.tensor2d([0, 1, 0, 0], [1, 4], 'bool');
    const seen = forwardFeatures(params, config, images, { masks });
    const hidden = forwardFeatures(params, config, black, { masks });
    expect(hidden.patchTokens.dataSync()).toEqual(seen.patchTokens.dataSync());
    const bare = forwardFeatures(params, config, black);
    expect(bare.patchTokens.dataSync()).not.toEqual(seen.patchTokens.dataSync());
    const none = forwardFeatures(params, config, images, { masks: tf.zeros([1, 4]) });
    expectAllclose(none.clsToken.dataSync(), forwardFeatures(params, config, images).clsToken.dataSync());
  });

  it('puts registers between the class token and the patches', () => {
    const config = vitConfig('tiny', { ...small, registers: 3, depth: 1 });
    const params = parameters(config);
    const f = forwardFeatures(params, { ...config, depth: 0 }, pictures(2, 8, 6));
    expect(f.prenorm.shape).toEqual([2, 1 + 3 + 12, 8]);
    expect(f.registerTokens.shape).toEqual([2, 3, 8]);
    expect(f.patchTokens.shape).toEqual([2, 12, 8]);
    // No position is added to them.
    expect(tf.slice(f.prenorm, [1, 1, 0], [1, 3, 8]).dataSync()).toEqual(params['register_tokens'].dataSync());
  });

  it('says what is wrong with images and masks', () => {
    const config = vitConfig('tiny', small);
    const params = parameters(config);
    expect(() => forwardFeatures(params, config, pictures(1, 7, 8))).toThrow(VitError);
    expect(() => forwardFeatures(params, config, pictures(1, 7, 8))).toThrow('7 x 8 do not divide into patches of 2');
    expect(() => forwardFeatures(params, config, tf.zeros([1, 3, 8, 8]))).toThrow('(batch, height, width, 3)');
    expect(() => forwardFeatures(params, config, pictures(1, 8, 8), { masks: tf.zeros([1, 4]) })).toThrow(
      'for 1 images of 16 patches',
    );
  });
});

describe('getIntermediateLayers', () => {
  const config = vitConfig('tiny', { ...small, depth: 4, registers: 2 });

  it('gives network order, the grid and the class token when asked', () => {
    const params = parameters(config);
    const images = pictures(2, 8, 4);
    const full = forwardFeatures(params, config, images);
    const before = tf.memory().numTensors;
    const layers = getIntermediateLayers(params, config, images, [3, 1], { reshape: true, returnClassToken: true });
    expect(tf.memory().numTensors - before).toBe(4);
    expect(layers.map(({ patchTokens }) => patchTokens.shape)).toEqual([
      [2, 4, 2, 8],
      [2, 4, 2, 8],
    ]);
    expect(layers[1].patchTokens.dataSync()).toEqual(full.patchTokens.dataSync());
    expect(layers[1].clsToken!.dataSync()).toEqual(full.clsToken.dataSync());

    const [second] = getIntermediateLayers(params, { ...config, depth: 2 }, images);
    expect(second.patchTokens.dataSync()).toEqual(layers[0].patchTokens.dataSync());
    expect(second.clsToken).toBeUndefined();
    expect(getIntermediateLayers(params, config, images, 3)).toHaveLength(3);
  });

  it('names a block that does not exist', () => {
    expect(() => getIntermediateLayers({}, config, pictures(1, 8, 8), [4])).toThrow('indices are 0 to 3');
    expect(() => getIntermediateLayers({}, config, pictures(1, 8, 8), 5)).toThrow('the last 5 blocks of a model of 4');
    expect(() => getIntermediateLayers({}, config, pictures(1, 8, 8), 0)).toThrow('from 1 to 4');
  });
});

it('needs the parameters of its configuration and no others', () => {
  const config = vitConfig('tiny', { ...small, layerScale: 0 });
  const params = parameters(config);
  expect(Object.keys(params)).toEqual(Object.keys(parameterShapes(config)));
  expect(forwardFeatures(params, config, pictures(1, 8, 8)).clsToken.shape).toEqual([1, 8]);
  const { 'blocks.1.attn.proj.bias': _, ...rest } = params;
  expect(() => forwardFeatures(rest, config, pictures(1, 8, 8))).toThrow('"blocks.1.attn.proj.bias" is missing');
  expect(() => forwardFeatures(params, { ...config, layerScale: 1 }, pictures(1, 8, 8))).toThrow(VitError);
});
