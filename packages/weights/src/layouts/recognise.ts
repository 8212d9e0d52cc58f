import { WeightsError } from '../errors';
import { fairDinov2 } from './fair-dinov2';
import { fairDinov3 } from './fair-dinov3';
import { huggingFaceDinov2, huggingFaceDinov2WithRegisters } from './hugging-face-dinov2';
import { huggingFaceDinov3 } from './hugging-face-dinov3';
import { familiesOf, type Layout, type StoredShapes } from './layout';
import { timmDinov2, timmDinov2WithRegisters } from './timm-dinov2';
import { timmDinov3 } from './timm-dinov3';

/** Names that only other families have, and what those are. */
const foreign: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)_?flat_param/, 'the flat shards of one rank of a training with FSDP; load eval/training_*/teacher_checkpoint.pth instead'],
  [/(^|\.)decoder_(embed|blocks|pred)\.|(^|\.)decoder\.decoder_layers\./, 'a masked autoencoder (MAE)'],
  [/(^|\.)(downsample_layers|stages)\.\d/, 'a ConvNeXt, DINOv3\'s or another; vision transformers alone are supported'],
  [/(^|\.)(visual\.(transformer|conv1|class_embedding|proj)|text_model|vision_model|token_embedding|logit_scale)(\.|$)/, 'a CLIP, SigLIP or other text-image model'],
  [/\.layernorm_before\./, 'a ViT of transformers (supervised, DINOv1 or MAE)'],
  [/relative_position_bias|\.rel_pos/, 'a BEiT, Swin or other model with relative positions'],
  [/(^|\.)masked_embed$/, 'an iBOT checkpoint'],
  [/(^|\.)cls_norm\./, 'a DINOv3 with untied norms of class token and patches (untie_cls_and_patch_norms), which no released model has'],
  [/(^|\.)layer1\.0\.conv1\./, 'a ResNet'],
];

/**
 * The layout that names of a backbone belong to.
 *
 * @param stored - the backbone's names, or nothing where the file has none.
 * @param all - every name of the file.
 * @throws WeightsError naming what it is instead, as far as the names tell.
 */
export function recogniseLayout(path: string, stored: StoredShapes | undefined, all: readonly string[]): Layout {
  for (const [pattern, what] of foreign) {
    const seen = all.find((name) => pattern.test(name));
    if (seen !== undefined) throw refusal(path, `it has "${seen}": ${what}`);
  }
  if (stored === undefined) {
    if (all.length === 0) throw refusal(path, 'it holds no tensors');
    if (all.every((name) => /(^|\.)(dino|ibot)_?[hH]ead\./.test(name))) {
      throw refusal(path, 'it holds projection heads and no backbone; load the backbone beside it');
    }
    throw refusal(path, `it has neither a class token nor a patch embedding; its names begin with ${someOf(all)}`);
  }
  const families = familiesOf(stored);
  const has = (name: string): boolean => families.has(name);
  const any = (pattern: RegExp): boolean => [...families].some((name) => pattern.test(name));

  if (any(/^embeddings\.(patch_embeddings\.projection\.|position_embeddings$)/)) {
    if (!any(/^encoder\.layer\.\*\.layer_scale[12]\./)) {
      throw refusal(path, `it has "embeddings.…" without "encoder.layer.{i}.layer_scale1.lambda1": a model of transformers other than DINOv2; its names begin with ${someOf([...stored.keys()])}`);
    }
    return has('embeddings.register_tokens') ? huggingFaceDinov2WithRegisters : huggingFaceDinov2;
  }
  if (any(/^embeddings\./)) return huggingFaceDinov3;
  if (any(/^blocks\.\*\.gamma_[12]$/)) {
    if (has('pos_embed')) throw refusal(path, 'it has "blocks.{i}.gamma_1" and "pos_embed": an EVA or BEiT of timm');
    return timmDinov3;
  }
  const gatedInThree = any(/^blocks\.\*\.mlp\.w[12]\./);
  if (has('storage_tokens') || gatedInThree || has('blocks.*.attn.qkv.bias_mask')) return fairDinov3;
  // With rotary positions the two repositories' names differ in registers and gated layers alone.
  if (has('rope_embed.periods') && !has('register_tokens') && !any(/\.w12\./)) return fairDinov3;
  const layerScale = any(/^blocks\.\*\.ls[12]\.gamma$/);
  if (has('reg_token') && layerScale) return timmDinov2WithRegisters;
  if (has('mask_token') || has('register_tokens') || any(/\.w12\./)) return fairDinov2;
  if (layerScale) return timmDinov2;
  throw refusal(path, 'it has neither LayerScale ("blocks.{i}.ls1.gamma") nor a mask token: a plain vision transformer (DINOv1, an MAE encoder, a supervised one)');
}

function refusal(path: string, seen: string): WeightsError {
  return new WeightsError(
    `${path} is not a DINOv2 or DINOv3 vision transformer of a known layout: ${seen}. ` +
      'Known are those of the two repositories, of transformers and of timm.',
  );
}

function someOf(names: readonly string[]): string {
  return names.slice(0, 5).map((name) => `"${name}"`).join(', ') + (names.length > 5 ? ` (${names.length} in all)` : '');
}
