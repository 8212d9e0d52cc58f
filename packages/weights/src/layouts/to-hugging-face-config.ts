import { ffnHiddenDim, type VitConfig } from '@dinov2/vit';
import { WeightsError } from '../errors';

export type HuggingFaceModelType = 'dinov2' | 'dinov2_with_registers' | 'dinov3_vit';

const architectures: Readonly<Record<HuggingFaceModelType, string>> = {
  dinov2: 'Dinov2Model',
  dinov2_with_registers: 'Dinov2WithRegistersModel',
  dinov3_vit: 'DINOv3ViTModel',
};

/**
 * The `config.json` of transformers for a configuration.
 *
 * @param keyBias - whether a key has a bias other than zero.
 * @throws WeightsError for what the model type cannot express.
 */
export function huggingFaceConfig(
  config: VitConfig,
  keyBias: boolean,
): { modelType: HuggingFaceModelType; json: Record<string, unknown> } {
  const rotary = config.positions === 'rope';
  const modelType = rotary ? 'dinov3_vit' : config.registers > 0 ? 'dinov2_with_registers' : 'dinov2';
  const gated = config.ffn === 'swiglu';
  return {
    modelType,
    json: {
      architectures: [architectures[modelType]],
      model_type: modelType,
      hidden_size: config.embedDim,
      num_hidden_layers: config.depth,
      num_attention_heads: config.heads,
      patch_size: config.patchSize,
      image_size: config.imageSize,
      num_channels: 3,
      hidden_act: rotary && gated ? 'silu' : 'gelu',
      layer_norm_eps: config.normEpsilon,
      layerscale_value: config.layerScale || 1,
      drop_path_rate: 0,
      initializer_range: 0.02,
      ...(modelType !== 'dinov2' && { num_register_tokens: config.registers }),
      ...(rotary
        ? {
            intermediate_size: ffnHiddenDim(config),
            use_gated_mlp: gated,
            query_bias: config.qkvBias,
            key_bias: keyBias,
            value_bias: config.qkvBias,
            proj_bias: true,
            mlp_bias: true,
            attention_dropout: 0,
            rope_theta: config.ropeBase,
            pos_embed_shift: null,
            pos_embed_jitter: null,
            pos_embed_rescale: 2,
          }
        : {
            mlp_ratio: wholeRatio(config),
            use_swiglu_ffn: gated,
            qkv_bias: config.qkvBias,
            attention_probs_dropout_prob: 0,
            hidden_dropout_prob: 0,
            ...(modelType === 'dinov2' && { use_mask_token: true }),
          }),
    },
  };
}

/** The whole `mlp_ratio` with the model's hidden width; transformers takes no other. */
function wholeRatio(config: VitConfig): number {
  const hidden = ffnHiddenDim(config);
  const rounded = Math.round(config.mlpRatio);
  const ratio = [rounded, rounded - 1, rounded + 1].find((mlpRatio) => mlpRatio > 0 && ffnHiddenDim({ ...config, mlpRatio }) === hidden);
  if (ratio === undefined) {
    throw new WeightsError(
      `mlpRatio ${config.mlpRatio} (hidden width ${hidden}) has no whole number that gives the same width; the dinov2 types of transformers take whole ones alone. Write it with saveBackbone.`,
    );
  }
  return ratio;
}
