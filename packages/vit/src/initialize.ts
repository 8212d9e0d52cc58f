import type { VitConfig } from './config';
import { type InitialArray, makeArrays, planArrays } from './initial-array';
import { type HostArray, parameterShapes } from './parameters';
import { ropePeriods } from './rope';

/**
 * Initial parameters of a backbone, on the host: position table and linear weights normal with
 * standard deviation 0.02, class and register tokens 1e-6, or 0.02 beside rotary positions, mask token
 * and linear biases zero, patch convolution uniform in ±1/√(3p²), norms one and zero, LayerScale from
 * the configuration (`init_weights` of the references). The same seed gives the same values; each tensor has its own
 * stream, so they do not depend on each other.
 */
export function initialize(config: VitConfig, seed: number): Record<string, HostArray> {
  return makeArrays(initialArrays(config, seed));
}

/** What {@link initialize} fills each parameter with. */
export function initialArrays(config: VitConfig, seed: number): Record<string, InitialArray> {
  const bound = 1 / Math.sqrt(3 * config.patchSize ** 2);
  return planArrays(parameterShapes(config), seed, (name) => {
    if (name.startsWith('patch_embed.proj')) return { uniform: [-bound, bound] };
    if (name === 'cls_token' || name === 'register_tokens') return { normal: config.positions === 'rope' ? 0.02 : 1e-6 };
    if (name === 'mask_token') return { constant: 0 };
    if (name === 'rope_embed.periods') return { list: ropePeriods(config) };
    if (name.endsWith('.gamma')) return { constant: config.layerScale };
    if (name.endsWith('.bias')) return { constant: 0 };
    if (/norm\d?\.weight$/.test(name)) return { constant: 1 };
    // The reference truncates at ±2, a hundred standard deviations out, which no draw reaches.
    return { normal: 0.02 };
  });
}
