import type { Layout } from './layout';

/**
 * The names of DINOv3's repository. The bias of query, key and value has a mask beside it, which zeroes
 * the key's third; the gated feed-forward layer is stored as gate w1, value w2 and output w3.
 *
 * `local_cls_norm` is a norm that only training applies, to the class token of local crops.
 */
export const fairDinov3: Layout = {
  name: 'dinov3',
  title: 'DINOv3',
  block: 'blocks.{i}.',
  places: {
    register_tokens: 'storage_tokens',
    mask_token: [{ name: 'mask_token', optional: true }],
    'attn.qkv.bias': [{ name: 'attn.qkv.bias', mask: 'attn.qkv.bias_mask' }],
    'mlp.w12': ['mlp.w1', 'mlp.w2'],
  },
  ignored: /^local_cls_norm\./,
  rotary: () => true,
  defaults: {
    normEpsilon: 1e-5,
    interpolation: () => ({ offset: 0, antialias: true }),
    imageSize: 224,
  },
};
