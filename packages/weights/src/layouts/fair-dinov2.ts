import type { Layout } from './layout';

/**
 * The names of DINOv2's repository, which are the canonical ones, so that any configuration of this
 * project can be stored under them.
 *
 * The repository samples positions with an offset of 0.1; only its released models with registers
 * are sampled at exact ratios with antialiasing (`dinov2/hub/backbones.py`).
 */
export const fairDinov2: Layout = {
  name: 'dinov2',
  title: 'DINOv2',
  block: 'blocks.{i}.',
  places: { mask_token: [{ name: 'mask_token', optional: true }] },
  rotary: (stored) => stored.has('rope_embed.periods'),
  defaults: {
    normEpsilon: 1e-6,
    interpolation: (registers) => (registers > 0 ? { offset: 0, antialias: true } : { offset: 0.1, antialias: false }),
    imageSize: 224,
  },
};
