import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { acrossShards, adamW, gelu, layerNorm, linear } from '@dinov2/primitives';
import { beforeAll, describe, expect, it } from 'vitest';
import { eagerEngine, jit, mixedPrecision, type Node } from './index';

beforeAll(() => tf.setBackend('cpu'));

const spec = (...shape: number[]) => ({ shape, dtype: 'float32' as const });

/** One layer with a norm, trained by one AdamW step on the mean of its outputs. */
function step({ w, g, m, v }: Record<'w' | 'g' | 'm' | 'v', tf.Tensor>, x: tf.Tensor) {
  const { value, grads } = tf.valueAndGrads((weight: tf.Tensor) => tf.mean(gelu(linear(layerNorm(linear(x, weight), g, g), weight))))([w]);
  return { ...adamW({ param: w, m, v }, acrossShards(grads[0]), tf.ones([6]) as tf.Tensor1D), loss: acrossShards(value) };
}

describe('mixedPrecision', () => {
  const compiled = jit(step, { engine: eagerEngine({ backend: 'cpu' }), donate: [0], precision: mixedPrecision('bfloat16') });
  const { graph } = compiled.lower({ w: spec(4, 4), g: spec(4), m: spec(4, 4), v: spec(4, 4) } as never, spec(8, 4) as never);
  const all = (op: string): Node[] => graph.nodes.filter((node) => node.op === op);

  it('computes linear layers and their gradients in 16 bits, and stores what lies between them so', () => {
    expect(all('Linear').map(({ attributes, outputs: [y] }) => [attributes.compute, y.stored])).toEqual([['bfloat16', 'bfloat16'], ['bfloat16', 'bfloat16']]);
    expect(all('BatchMatMul').every(({ attributes }) => attributes.compute === 'bfloat16')).toBe(true);
    for (const op of ['LayerNorm', 'LayerNormGrad']) expect(all(op)[0].outputs[0].stored).toBe('bfloat16');
  });

  it('keeps state, gradients of parameters, reductions and results in float32', () => {
    expect(all('AdamW')[0].inputs.grad.stored).toBeUndefined();
    const weightGradients = all('BatchMatMul').filter(({ outputs: [y] }) => String(y.shape) === '4,4');
    expect(weightGradients.map(({ outputs: [y] }) => y.stored)).toEqual([undefined, undefined]);
    expect(all('Mean').concat(all('Sum')).every(({ outputs: [y] }) => y.stored === undefined)).toBe(true);
    expect([...graph.inputs, ...graph.outputs].every(({ stored }) => stored === undefined)).toBe(true);
  });
});
