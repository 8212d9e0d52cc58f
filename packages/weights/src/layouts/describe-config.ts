import { ffnHiddenDim, type VitConfig } from '@dinov2/vit';
import { WeightsError } from '../errors';
import { isRecord } from '../files/parse-json';
import type { Facts } from './facts';
import { fromPretrainedCfg, type ReadPreprocessing } from './timm-preprocessing';

/** What a configuration beside the weights says. */
export interface ConfigDescription {
  /** In words, for messages: `config.json (model_type "dinov2")`. */
  readonly source: string;
  readonly writer: 'huggingface' | 'timm' | 'dinov2-ts';
  readonly facts: Facts;
  /** timm's says it too; the others have a file of its own for it, or none. */
  readonly preprocessing?: ReadPreprocessing;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Read a configuration: of transformers, of timm, or of a run of this project. Nothing for a file
 * that is none of them.
 *
 * @param name - what to call it in messages.
 * @throws WeightsError for a model that is no DINOv2 or DINOv3, or has parts that this project does not.
 */
export function describeConfig(name: string, json: unknown): ConfigDescription | undefined {
  if (!isRecord(json)) return undefined;
  if (isRecord(json.pretrained_cfg) || typeof json.architecture === 'string') return describeTimm(name, json);
  if (typeof json.model_type === 'string') return describeHuggingFace(name, json, json.model_type);
  const model = [json.model, isRecord(json.config) ? json.config.model : undefined, json].find(isVitConfig);
  return model && { source: `${name} (dinov2-ts)`, writer: 'dinov2-ts', facts: factsOfConfig(model) };
}

/** A configuration of this project as facts; one of an older version may lack fields. */
export function factsOfConfig(config: Partial<VitConfig> & Pick<VitConfig, 'embedDim' | 'depth' | 'heads'>): Facts {
  const { embedDim, depth, heads, patchSize, imageSize, ffn, mlpRatio, registers, layerScale } = config;
  const positions = config.positions ?? 'table';
  return {
    embedDim,
    depth,
    heads,
    patchSize,
    registers,
    ffn,
    ffnHiddenDim: ffn && mlpRatio && ffnHiddenDim({ embedDim, mlpRatio, ffn }),
    mlpRatio,
    hasLayerScale: layerScale === undefined ? undefined : layerScale !== 0,
    qkvBias: config.qkvBias,
    positions,
    tableSide: positions === 'table' && imageSize && patchSize ? imageSize / patchSize : undefined,
    imageSize,
    layerScale,
    normEpsilon: config.normEpsilon,
    ropeBase: config.ropeBase,
    interpolation: config.interpolation,
  };
}

function describeHuggingFace(name: string, json: Json, type: string): ConfigDescription {
  const source = `${name} (model_type "${type}")`;
  const refuse = (what: string): never => {
    throw new WeightsError(`${source} describes a model that is not supported: ${what}. Weights it does not belong to need a folder of their own.`);
  };
  if (type !== 'dinov2' && type !== 'dinov2_with_registers' && type !== 'dinov3_vit') {
    refuse('the types dinov2, dinov2_with_registers and dinov3_vit are');
  }
  const rotary = type === 'dinov3_vit';
  const number = (key: string): number | undefined => {
    const value = json[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number') throw new WeightsError(`${source} has ${key} ${JSON.stringify(value)}, which is not a number.`);
    return value;
  };
  const square = (key: string): number | undefined => {
    const value = json[key];
    if (!Array.isArray(value)) return number(key);
    if (value.length !== 2 || value[0] !== value[1]) refuse(`${key} is ${JSON.stringify(value)}, and not square`);
    return value[0] as number;
  };
  const channels = number('num_channels') ?? 3;
  if (channels !== 3) refuse(`num_channels is ${channels}; pictures have 3`);
  const gated = json[rotary ? 'use_gated_mlp' : 'use_swiglu_ffn'] === true;
  const activation = json.hidden_act ?? 'gelu';
  // The gated layers of dinov2 do not look at hidden_act.
  const wanted = !gated ? 'gelu' : rotary ? 'silu' : activation;
  if (activation !== wanted) refuse(`hidden_act is ${JSON.stringify(activation)}; its feed-forward layers need "${String(wanted)}"`);

  const embedDim = number('hidden_size');
  const patchSize = square('patch_size') ?? (type === 'dinov2' ? 14 : 16);
  const imageSize = square('image_size') ?? 224;
  const ffn = gated ? 'swiglu' : 'mlp';
  const mlpRatio = number('mlp_ratio') ?? 4;
  const grid = Math.floor(imageSize / patchSize);
  const theta = isRecord(json.rope_parameters) ? json.rope_parameters.rope_theta : json.rope_theta;
  return {
    source,
    writer: 'huggingface',
    facts: {
      embedDim,
      depth: number('num_hidden_layers'),
      heads: number('num_attention_heads'),
      patchSize,
      tableSide: rotary ? undefined : grid,
      imageSize: grid * patchSize,
      registers: type === 'dinov2' ? 0 : number('num_register_tokens'),
      ffn,
      ffnHiddenDim: rotary
        ? number('intermediate_size')
        : embedDim && ffnHiddenDim({ embedDim, mlpRatio, ffn }),
      ...(!rotary && { mlpRatio }),
      hasLayerScale: true,
      // In this type the released configurations leave the value out, and 0 would still store LayerScale.
      layerScale: number('layerscale_value') || 1,
      qkvBias: rotary
        ? json.query_bias !== false || json.key_bias === true || json.value_bias !== false
        : json.qkv_bias !== false,
      positions: rotary ? 'rope' : 'table',
      normEpsilon: number('layer_norm_eps'),
      ropeBase: typeof theta === 'number' ? theta : undefined,
    },
  };
}

function describeTimm(name: string, json: Json): ConfigDescription {
  const architecture = String(json.architecture ?? 'unknown');
  const source = `${name} (timm ${architecture})`;
  const options = isRecord(json.model_args) ? json.model_args : {};
  const cfg = isRecord(json.pretrained_cfg) ? json.pretrained_cfg : {};
  const integer = (value: unknown): number | undefined => (Number.isInteger(value) ? (value as number) : undefined);
  const [, height] = Array.isArray(cfg.input_size) ? cfg.input_size : [];
  return {
    source,
    writer: 'timm',
    facts: {
      embedDim: integer(options.embed_dim) ?? integer(json.num_features),
      depth: integer(options.depth),
      heads: integer(options.num_heads),
      imageSize: integer(height),
    },
    ...(isRecord(json.pretrained_cfg) && { preprocessing: fromPretrainedCfg(json.pretrained_cfg) }),
  };
}

function isVitConfig(value: unknown): value is Pick<VitConfig, 'embedDim' | 'depth' | 'heads'> & Partial<VitConfig> {
  return (
    isRecord(value) &&
    (['embedDim', 'depth', 'heads'] as const).every((key) => Number.isInteger(value[key]) && (value[key] as number) > 0)
  );
}
