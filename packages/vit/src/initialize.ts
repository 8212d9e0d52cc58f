import { createRandom, type Random } from '@dinov2/primitives';
import type { VitConfig } from './config';
import { type HostArray, type ParameterShapes, parameterShapes } from './parameters';
import { ropePeriods } from './rope';

/**
 * Initial parameters of a backbone, on the host: position table and linear weights normal with
 * standard deviation 0.02, class and register tokens 1e-6, or 0.02 beside rotary positions, mask token
 * and linear biases zero, patch convolution uniform in ±1/√(3p²), norms one and zero, LayerScale from
 * the configuration (`init_weights` of the references). The same seed gives the same values; each tensor has its own
 * stream, so they do not depend on each other.
 */
export function initialize(config: VitConfig, seed: number): Record<string, HostArray> {
  const bound = 1 / Math.sqrt(3 * config.patchSize ** 2);
  const token = config.positions === 'rope' ? 0.02 : 1e-6;
  return fill(parameterShapes(config), seed, (name, random) => {
    if (name.startsWith('patch_embed.proj')) return () => random.uniform(-bound, bound);
    if (name === 'cls_token' || name === 'register_tokens') return () => token * random.normal();
    if (name === 'mask_token') return () => 0;
    if (name === 'rope_embed.periods') {
      const periods = ropePeriods(config).values();
      return () => periods.next().value!;
    }
    if (name.endsWith('.gamma')) return () => config.layerScale;
    if (name.endsWith('.bias')) return () => 0;
    if (/norm\d?\.weight$/.test(name)) return () => 1;
    return normal(random);
  });
}

/**
 * Draws of standard deviation 0.02. The reference truncates at ±2, a hundred standard deviations
 * out, which no draw reaches.
 */
export function normal(random: Random): () => number {
  return () => 0.02 * random.normal();
}

/** Arrays of the given shapes, each filled from its own stream of the seed. */
export function fill(
  shapes: ParameterShapes,
  seed: number,
  source: (name: string, random: Random) => () => number,
): Record<string, HostArray> {
  const root = createRandom(seed);
  const record: Record<string, HostArray> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const draw = source(name, root.fork(name));
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = draw();
    record[name] = { data, shape };
  }
  return record;
}
