import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';

const mean = /* @__PURE__ */ definePrimitive({
  name: 'ShardMean',
  inputs: ['x'],
  infer: ({ x }) => [x],
  fallback: ({ x }) => [tf.clone(x)],
});

/**
 * Mean over the shards of a batch, where a function is compiled for one shard and run on several (data
 * parallel training): every shard gets the same result. Run plainly there is one shard, and this is x.
 * Has no gradient: take the gradients of one shard and average them.
 *
 * @param x - any shape, float32
 * @returns the shape of x
 */
export function acrossShards(x: tf.Tensor): tf.Tensor {
  return mean({ x })[0];
}
