import type { Layout } from './layout';
import { periods } from './periods';

/**
 * The names of `DINOv3ViTModel` of transformers. Query, key and value each have a bias or none, the key
 * none in the released models; the periods of the rotary positions are not stored.
 */
export const huggingFaceDinov3: Layout = {
  name: 'huggingface-dinov3',
  title: 'Hugging Face dinov3_vit',
  // A state dict of version 5 has `model.layer`, which selecting the backbone shortens to the files' name.
  block: 'layer.{i}.',
  places: {
    cls_token: 'embeddings.cls_token',
    mask_token: [{ name: 'embeddings.mask_token', shape: ([, D]) => [1, 1, D], optional: true }],
    register_tokens: 'embeddings.register_tokens',
    'patch_embed.proj': 'embeddings.patch_embeddings',
    'rope_embed.periods': [{ values: periods }],
    'attn.qkv.weight': ['attention.q_proj.weight', 'attention.k_proj.weight', 'attention.v_proj.weight'],
    'attn.qkv.bias': [
      { name: 'attention.q_proj.bias', optional: true },
      { name: 'attention.k_proj.bias', optional: true },
      { name: 'attention.v_proj.bias', optional: true },
    ],
    'attn.proj': 'attention.o_proj',
    'ls1.gamma': 'layer_scale1.lambda1',
    'ls2.gamma': 'layer_scale2.lambda1',
    'mlp.fc1': 'mlp.up_proj',
    'mlp.fc2': 'mlp.down_proj',
    'mlp.w12': ['mlp.gate_proj', 'mlp.up_proj'],
    'mlp.w3': 'mlp.down_proj',
  },
  ignored: /^rope_embeddings\.inv_freq$/,
  rotary: () => true,
  defaults: {
    normEpsilon: 1e-5,
    interpolation: () => ({ offset: 0, antialias: true }),
    imageSize: 224,
  },
};
