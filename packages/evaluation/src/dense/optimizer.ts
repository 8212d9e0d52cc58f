import { adamW, squaredNorm } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';

export type Tensors = Readonly<Record<string, tf.Tensor>>;

/** Parameters with AdamW's moments, all by the same names. */
export interface Trained<T> {
  readonly parameters: T;
  readonly m: T;
  readonly v: T;
}

export interface AdamWSettings {
  readonly weightDecay: number;
  /** β₁ where no schedule moves it. */
  readonly beta1: number;
  readonly beta2: number;
  /** Largest L2 norm of the whole gradient; longer ones are scaled to it. No limit by default. */
  readonly clipGradient?: number;
}

/**
 * One step of AdamW over named parameters, weight decay on every one of them as mmsegmentation's
 * default has it.
 *
 * @param hyper - (6) of `adamW` with gradient scale 1
 * @param beta1 - scalar, β₁ of this step
 */
export function updateParameters(
  { parameters, m, v }: Trained<Tensors>,
  gradients: Tensors,
  hyper: tf.Tensor,
  beta1: tf.Tensor,
  settings: AdamWSettings,
): Trained<Tensors> {
  const norm = tf.sqrt(tf.addN(Object.values(gradients).map((gradient) => squaredNorm(gradient))));
  // clip_grad_norm_ of PyTorch, epsilon included.
  const scale =
    settings.clipGradient === undefined ? tf.scalar(1) : tf.minimum(tf.div(settings.clipGradient, tf.add(norm, 1e-6)), 1);
  const next: { parameters: Record<string, tf.Tensor>; m: Record<string, tf.Tensor>; v: Record<string, tf.Tensor> } = {
    parameters: {},
    m: {},
    v: {},
  };
  for (const [name, raw] of Object.entries(gradients)) {
    const gradient = tf.mul(raw, scale);
    // The kernel's β₁ is fixed. m is shifted so that the kernel's β₁ m + (1 − β₁) g is that of this step's β₁.
    const shift = tf.sub(tf.mul(beta1, tf.sub(m[name]!, gradient)), tf.mul(settings.beta1, tf.sub(m[name]!, gradient)));
    const state = { param: parameters[name]!, m: tf.add(m[name]!, tf.div(shift, settings.beta1)), v: v[name]! };
    const updated = adamW(state, gradient, hyper, { beta1: settings.beta1, beta2: settings.beta2 });
    next.parameters[name] = updated.param;
    next.m[name] = updated.m;
    next.v[name] = updated.v;
  }
  return next;
}
