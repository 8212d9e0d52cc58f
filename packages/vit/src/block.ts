import {
  addScaledRows,
  gelu,
  layerNorm,
  linear,
  type Rotation,
  selfAttention,
  swiglu,
  takeRows,
} from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { VitConfig } from './config';
import { parameter, type Parameters } from './parameters';
import type { BlockRows } from './stochastic-depth';

/**
 * One transformer block over several groups at once: norms and linear layers act on the rows of all
 * groups together, attention within each sequence.
 *
 * @param streams - the residual stream of each group, (b, T, D).
 * @param rotations - rotary positions of each group, undefined where a table was added to the tokens.
 */
export function block(
  params: Parameters,
  config: VitConfig,
  index: number,
  streams: readonly tf.Tensor[],
  rotations: readonly (Rotation | undefined)[],
  rows: BlockRows<tf.Tensor> = { attention: [], ffn: [] },
): tf.Tensor[] {
  const name = `blocks.${index}`;
  const layer = (x: tf.Tensor, layerName: string, bias = true): tf.Tensor =>
    applyLinear(params, `${name}.${layerName}`, x, bias);
  const norm = (x: tf.Tensor, layerName: string): tf.Tensor =>
    applyNorm(params, config, `${name}.${layerName}`, x);
  const gamma = (scale: string): tf.Tensor | undefined =>
    config.layerScale === 0 ? undefined : parameter(params, `${name}.${scale}.gamma`);

  const mixed = residual(streams, rows.attention, gamma('ls1'), (x, shapes) => {
    const qkv = layer(norm(x, 'norm1'), 'attn.qkv', config.qkvBias);
    const attended = splitRows(qkv, shapes).map((part, j) => {
      const sequences = tf.reshape(part, [...shapes[j], 3 * config.embedDim]);
      return tf.reshape(selfAttention(sequences, config.heads, { rotation: rotations[j] }), [-1, config.embedDim]);
    });
    return layer(joinRows(attended), 'attn.proj');
  });

  return residual(mixed, rows.ffn, gamma('ls2'), (x) => {
    const normed = norm(x, 'norm2');
    return config.ffn === 'mlp'
      ? layer(gelu(layer(normed, 'mlp.fc1')), 'mlp.fc2')
      : layer(swiglu(layer(normed, 'mlp.w12')), 'mlp.w3');
  });
}

/** The model's final norm over the last axis. */
export function finalNorm(params: Parameters, config: VitConfig, x: tf.Tensor): tf.Tensor {
  return applyNorm(params, config, 'norm', x);
}

/** Kept rows k and tokens T of a group. */
type GroupShape = readonly [k: number, T: number];

/**
 * `x + scale · gamma · branch(x)` on the kept rows of each group, the others unchanged. The branch
 * sees the tokens of all kept rows, (Σ k·T, D), and the (k, T) of each group.
 */
function residual(
  streams: readonly tf.Tensor[],
  rows: readonly tf.Tensor[],
  gamma: tf.Tensor | undefined,
  branch: (x: tf.Tensor, shapes: readonly GroupShape[]) => tf.Tensor,
): tf.Tensor[] {
  const kept = streams.map((x, j) => (rows.length === 0 ? x : takeRows(x, rows[j])));
  const shapes = kept.map((x): GroupShape => [x.shape[0], x.shape[1]!]);
  const flat = joinRows(kept.map((x) => tf.reshape(x, [-1, x.shape[2]!])));
  const updates = splitRows(branch(flat, shapes), shapes);
  return streams.map((x, j) =>
    addScaledRows(x, tf.reshape(updates[j], kept[j].shape), {
      gamma,
      rows: rows.length === 0 ? undefined : rows[j],
      scale: x.shape[0] / shapes[j][0],
    }),
  );
}

function joinRows(parts: tf.Tensor[]): tf.Tensor {
  return parts.length === 1 ? parts[0] : tf.concat(parts, 0);
}

/** Parts of k·T rows for each (k, T). One split and not several slices: its gradient is one concatenation. */
function splitRows(x: tf.Tensor, shapes: readonly GroupShape[]): tf.Tensor[] {
  if (shapes.length === 1) return [x];
  return tf.split(
    x,
    shapes.map(([k, T]) => k * T),
    0,
  );
}

function applyLinear(params: Parameters, name: string, x: tf.Tensor, bias = true): tf.Tensor {
  return linear(x, parameter(params, `${name}.weight`), bias ? parameter(params, `${name}.bias`) : undefined);
}

function applyNorm(params: Parameters, config: VitConfig, name: string, x: tf.Tensor): tf.Tensor {
  const [weight, bias] = [parameter(params, `${name}.weight`), parameter(params, `${name}.bias`)];
  return layerNorm(x, weight, bias, config.normEpsilon);
}
