import type { Layout } from './layout';
import { periods } from './periods';

/**
 * timm's names for DINOv3 (`Eva`). Models whose name says `qkvb` store biases of query and value; the
 * others have none. The periods of the rotary positions are not stored.
 */
export const timmDinov3: Layout = {
  name: 'timm-dinov3',
  title: 'timm DINOv3',
  block: 'blocks.{i}.',
  places: {
    mask_token: [{ name: 'mask_token', optional: true }],
    register_tokens: 'reg_token',
    'rope_embed.periods': [{ values: periods }],
    'attn.qkv.weight': 'attn.qkv.weight',
    'attn.qkv.bias': [
      { name: 'attn.q_bias', optional: true },
      { name: 'attn.k_bias', optional: true },
      { name: 'attn.v_bias', optional: true },
    ],
    'ls1.gamma': 'gamma_1',
    'ls2.gamma': 'gamma_2',
    'mlp.w12': ['mlp.fc1_g', 'mlp.fc1_x'],
    'mlp.w3': 'mlp.fc2',
  },
  ignored: /^rope\.periods$/,
  rotary: () => true,
  defaults: {
    normEpsilon: 1e-5,
    interpolation: () => ({ offset: 0, antialias: true }),
    imageSize: 256,
  },
};
