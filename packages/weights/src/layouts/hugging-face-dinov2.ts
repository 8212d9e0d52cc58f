import type { Layout } from './layout';

/**
 * The names of `Dinov2Model` of transformers: as its files have them, and as the modules of version 5
 * are called, which a plain state dict has.
 *
 * Positions are sampled at exact ratios without antialiasing, since the version that passes `size`
 * to `interpolate`.
 */
export const huggingFaceDinov2: Layout = {
  name: 'huggingface-dinov2',
  title: 'Hugging Face dinov2',
  block: 'encoder.layer.{i}.',
  places: {
    cls_token: 'embeddings.cls_token',
    mask_token: [{ name: 'embeddings.mask_token', optional: true }],
    pos_embed: 'embeddings.position_embeddings',
    register_tokens: 'embeddings.register_tokens',
    'patch_embed.proj': 'embeddings.patch_embeddings.projection',
    'attn.qkv': {
      spellings: [
        ['attention.attention.query', 'attention.attention.key', 'attention.attention.value'],
        ['attention.q_proj', 'attention.k_proj', 'attention.v_proj'],
      ],
    },
    'attn.proj': { spellings: [['attention.output.dense'], ['attention.o_proj']] },
    'ls1.gamma': 'layer_scale1.lambda1',
    'ls2.gamma': 'layer_scale2.lambda1',
    'mlp.w12': { spellings: [['mlp.weights_in'], ['mlp.gate_proj', 'mlp.up_proj']] },
    'mlp.w3': { spellings: [['mlp.weights_out'], ['mlp.down_proj']] },
    norm: 'layernorm',
  },
  rotary: () => false,
  defaults: {
    normEpsilon: 1e-6,
    interpolation: () => ({ offset: 0, antialias: false }),
  },
};

/** `Dinov2WithRegistersModel`: the same names, and positions are sampled with antialiasing. */
export const huggingFaceDinov2WithRegisters: Layout = {
  ...huggingFaceDinov2,
  name: 'huggingface-dinov2-with-registers',
  title: 'Hugging Face dinov2_with_registers',
  defaults: {
    normEpsilon: 1e-6,
    interpolation: () => ({ offset: 0, antialias: true }),
  },
};
