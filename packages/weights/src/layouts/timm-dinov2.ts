import type { Layout } from './layout';

/**
 * timm's names for DINOv2 without registers (`VisionTransformer`): those of the repository, but the
 * gated feed-forward layer is called fc1 (gate, then value) and fc2, and there is no mask token.
 */
export const timmDinov2: Layout = {
  name: 'timm-dinov2',
  title: 'timm DINOv2',
  block: 'blocks.{i}.',
  places: {
    mask_token: [{ name: 'mask_token', optional: true }],
    'mlp.w12': 'mlp.fc1',
    'mlp.w3': 'mlp.fc2',
  },
  rotary: () => false,
  gated(stored) {
    // Packed, fc1 makes twice what fc2 takes; one damaged tensor does not change that.
    const ratios = [...stored].flatMap(([name, [out]]) => {
      const fc2 = stored.get(name.replace(/fc1\.weight$/, 'fc2.weight'));
      return name.endsWith('.mlp.fc1.weight') && fc2 !== undefined ? [out / fc2[1]] : [];
    });
    return 2 * ratios.filter((ratio) => ratio > 1.5).length > ratios.length;
  },
  defaults: {
    normEpsilon: 1e-6,
    interpolation: () => ({ offset: 0, antialias: true }),
  },
};

/** With registers, the table has no row for the class token, whose position is part of the token itself. */
export const timmDinov2WithRegisters: Layout = {
  ...timmDinov2,
  title: 'timm DINOv2 with registers',
  places: {
    ...timmDinov2.places,
    register_tokens: 'reg_token',
    pos_embed: [
      { values: ([, , D]) => new Float32Array(D) },
      { name: 'pos_embed', shape: ([, rows, D]) => [1, rows - 1, D] },
    ],
  },
};
