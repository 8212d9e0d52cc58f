import { gelu, l2Normalize, linear, weightNorm } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { VitError } from './error';
import { type InitialArray, makeArrays, planArrays } from './initial-array';
import { type HostArray, parameter, type Parameters, type ParameterShapes } from './parameters';

/** Shape of a projection head; DINO and iBOT use the same kind. */
export interface HeadConfig {
  /** Width of the tokens that enter. */
  readonly inputDim: number;
  /** Number of prototypes, K. */
  readonly prototypes: number;
  readonly hiddenDim: number;
  readonly bottleneckDim: number;
  /** Linear layers before the prototypes, with GELUs between. */
  readonly layers: number;
}

/** A head as in the default recipe: 65 536 prototypes, hidden 2048, bottleneck 256, three layers. */
export function headConfig(inputDim: number, overrides: Partial<HeadConfig> = {}): HeadConfig {
  const config: HeadConfig = {
    inputDim,
    prototypes: 65_536,
    hiddenDim: 2048,
    bottleneckDim: 256,
    layers: 3,
    ...overrides,
  };
  for (const [key, value] of Object.entries(config)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new VitError(`head ${key} ${value} is not a positive integer`);
    }
  }
  return config;
}

/** Names and shapes of a head's parameters, as in the official training checkpoints. */
export function headParameterShapes(config: HeadConfig): ParameterShapes {
  const { inputDim, hiddenDim, bottleneckDim, prototypes, layers } = config;
  const shapes: Record<string, number[]> = {};
  for (let i = 0; i < layers; i++) {
    const out = i === layers - 1 ? bottleneckDim : hiddenDim;
    shapes[`${layerName(config, i)}.weight`] = [out, i === 0 ? inputDim : hiddenDim];
    shapes[`${layerName(config, i)}.bias`] = [out];
  }
  shapes['last_layer.weight_g'] = [prototypes, 1];
  shapes['last_layer.weight_v'] = [prototypes, bottleneckDim];
  return shapes;
}

/**
 * Initial parameters of a head, on the host: linear weights normal with standard deviation 0.02,
 * biases zero, prototype directions uniform in ±1/√bottleneck, prototype norms one.
 */
export function initializeHead(config: HeadConfig, seed: number): Record<string, HostArray> {
  return makeArrays(initialHeadArrays(config, seed));
}

/** What {@link initializeHead} fills each parameter with. */
export function initialHeadArrays(config: HeadConfig, seed: number): Record<string, InitialArray> {
  const bound = 1 / Math.sqrt(config.bottleneckDim);
  return planArrays(headParameterShapes(config), seed, (name) => {
    if (name === 'last_layer.weight_v') return { uniform: [-bound, bound] };
    if (name === 'last_layer.weight_g') return { constant: 1 };
    return name.endsWith('.bias') ? { constant: 0 } : { normal: 0.02 };
  });
}

/**
 * Prototype logits of tokens: the MLP, the unit sphere, and the cosine to each prototype times its
 * norm (Caron et al. 2021, appendix C).
 *
 * @param x - (rows, inputDim)
 * @returns (rows, prototypes)
 */
export function applyHead(params: Parameters, config: HeadConfig, x: tf.Tensor): tf.Tensor2D {
  return tf.tidy('head', () => {
    let z = x;
    for (let i = 0; i < config.layers; i++) {
      const name = layerName(config, i);
      z = linear(z, parameter(params, `${name}.weight`), parameter(params, `${name}.bias`));
      if (i < config.layers - 1) z = gelu(z);
    }
    const prototypes = weightNorm(parameter(params, 'last_layer.weight_v'), parameter(params, 'last_layer.weight_g'));
    return linear(l2Normalize(z, 1e-12), prototypes) as tf.Tensor2D;
  });
}

/** `mlp.0`, `mlp.2`, …: GELUs take the odd places. A single layer is `mlp` itself. */
function layerName(config: HeadConfig, index: number): string {
  return config.layers === 1 ? 'mlp' : `mlp.${2 * index}`;
}
