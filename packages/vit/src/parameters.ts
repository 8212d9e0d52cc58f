import type * as tf from '@tensorflow/tfjs-core';
import { ffnHiddenDim, type VitConfig } from './config';
import { VitError } from './error';

/** A tensor of float32 on the host, row-major. */
export interface HostArray {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Named tensors of a model, flat, with the names and shapes of the official checkpoints. */
export type Parameters = Readonly<Record<string, tf.Tensor>>;

/** Shape of every named tensor of a model. */
export type ParameterShapes = Readonly<Record<string, readonly number[]>>;

/**
 * Names and shapes of a backbone's parameters, in the order of the official state dict. Linear
 * weights are (out, in), the patch convolution (D, 3, p, p), as PyTorch stores them.
 *
 * DINOv3's tensors have DINOv2's names here: `register_tokens` for its `storage_tokens`, `mlp.w12` for
 * its gate `w1` over its value `w2`. `rope_embed.periods` is a constant of the model, not learned.
 */
export function parameterShapes(config: VitConfig): ParameterShapes {
  const { embedDim: D, patchSize: p, registers, layerScale, heads } = config;
  const grid = config.imageSize / p;
  const rope = config.positions === 'rope';
  const hidden = ffnHiddenDim(config);
  const shapes: Record<string, number[]> = {
    cls_token: [1, 1, D],
    ...(!rope && { pos_embed: [1, 1 + grid * grid, D] }),
    ...(registers > 0 && { register_tokens: [1, registers, D] }),
    mask_token: [1, D],
    'patch_embed.proj.weight': [D, 3, p, p],
    'patch_embed.proj.bias': [D],
    ...(rope && { 'rope_embed.periods': [D / heads / 4] }),
  };
  const linear = (name: string, out: number, inner: number): void => {
    shapes[`${name}.weight`] = [out, inner];
    shapes[`${name}.bias`] = [out];
  };
  const norm = (name: string): void => {
    shapes[`${name}.weight`] = [D];
    shapes[`${name}.bias`] = [D];
  };
  for (let i = 0; i < config.depth; i++) {
    const block = `blocks.${i}`;
    norm(`${block}.norm1`);
    linear(`${block}.attn.qkv`, 3 * D, D);
    if (!config.qkvBias) delete shapes[`${block}.attn.qkv.bias`];
    linear(`${block}.attn.proj`, D, D);
    if (layerScale !== 0) shapes[`${block}.ls1.gamma`] = [D];
    norm(`${block}.norm2`);
    if (config.ffn === 'mlp') {
      linear(`${block}.mlp.fc1`, hidden, D);
      linear(`${block}.mlp.fc2`, D, hidden);
    } else {
      linear(`${block}.mlp.w12`, 2 * hidden, D);
      linear(`${block}.mlp.w3`, D, hidden);
    }
    if (layerScale !== 0) shapes[`${block}.ls2.gamma`] = [D];
  }
  norm('norm');
  return shapes;
}

/** The parameter of this name. Throws a {@link VitError} when the record has none. */
export function parameter(params: Parameters, name: string): tf.Tensor {
  const tensor = params[name];
  if (tensor === undefined) {
    throw new VitError(
      `parameter "${name}" is missing; the record does not belong to this configuration`,
    );
  }
  return tensor;
}

/** Total number of scalars in a record of shapes. */
export function parameterCount(shapes: ParameterShapes): number {
  let count = 0;
  for (const shape of Object.values(shapes)) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/**
 * Throws a {@link VitError} unless every expected name is there, with its shape, and no other. The
 * message lists everything that is wrong, a line each.
 */
export function checkParameters(
  record: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  expected: ParameterShapes,
): void {
  const problems: string[] = [];
  for (const [name, shape] of Object.entries(expected)) {
    const found = record[name];
    if (found === undefined) {
      problems.push(`parameter "${name}" of shape (${shape}) is missing`);
    } else if (found.shape.length !== shape.length || found.shape.some((n, i) => n !== shape[i])) {
      problems.push(`parameter "${name}" has shape (${found.shape}); this configuration needs (${shape})`);
    }
  }
  for (const name of Object.keys(record)) {
    if (expected[name] === undefined) {
      problems.push(`parameter "${name}" does not belong to this configuration; remove it`);
    }
  }
  if (problems.length > 0) throw new VitError(problems.join('\n'));
}
