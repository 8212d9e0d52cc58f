import { ffnHiddenDim, mlpRatioFor, type PositionInterpolation, type VitConfig, vitConfig, VitError } from '@dinov2/vit';
import { WeightsError } from '../errors';
import type { ConfigDescription } from './describe-config';
import { disagreements, type Facts } from './facts';
import { type Layout, storedNames } from './layout';

/** What the tensors of the backbone do not tell, and the caller may know. */
export interface ConfigContext {
  readonly interpolation?: PositionInterpolation;
  readonly attentionHeads?: number;
  /** Whether the backbone is one of a training checkpoint. */
  readonly training: boolean;
}

export interface BuiltConfig {
  readonly config: VitConfig;
  /** Choices that neither the weights nor a configuration made, for the summary. */
  readonly assumed: readonly string[];
}

// The deepest released model has 40. One name with a large number could otherwise ask for all memory.
const maximumDepth = 1000;

/**
 * The configuration of a backbone from its tensors and, where there is one, the description beside it.
 *
 * @throws WeightsError if the two contradict each other, or together do not make a model.
 */
export function buildConfig(
  path: string,
  layout: Layout,
  tensors: Facts,
  description: ConfigDescription | undefined,
  context: ConfigContext,
): BuiltConfig {
  if (description !== undefined) {
    const lines = disagreements(tensors, description.facts, ['the weights', description.source]);
    if (lines.length > 0) {
      throw new WeightsError(
        `${path} and ${description.source} beside it describe different models: ${lines.join('; ')}. ` +
          'Put the two that belong together into a folder, or the weights into one of their own.',
      );
    }
  }
  const facts: Facts = { ...definedOf(description?.facts ?? {}), ...definedOf(tensors) };
  const assumed: string[] = [];
  const { patchSize, ffn = 'mlp', positions = 'table' } = facts;
  const { embedDim, depth = 0 } = tensors;
  if (embedDim === undefined || depth === 0 || patchSize === undefined) {
    const patches = storedNames(layout, 'patch_embed.proj.weight', new Map())[0];
    const what = embedDim === undefined ? 'width' : depth === 0 ? 'depth' : `patch size: "${patches}" is missing or has no shape (D, 3, p, p)`;
    throw new WeightsError(`${path} (${layout.title}) does not tell its ${what}. It is damaged, or no backbone.`);
  }
  if (depth > maximumDepth) {
    throw new WeightsError(`${path} (${layout.title}) numbers its blocks up to ${depth - 1}, and more than ${maximumDepth} are not read. It is damaged, or no backbone.`);
  }
  const heads = context.attentionHeads ?? facts.heads ?? assumedHeads(path, embedDim, positions, assumed);
  const registers = facts.registers ?? 0;
  const interpolation =
    context.interpolation ??
    facts.interpolation ??
    // Registers or not, DINOv2 trains without antialiasing.
    layout.defaults.interpolation(context.training ? 0 : registers);
  const rotarySize = facts.imageSize ?? layout.defaults.imageSize ?? 224;
  try {
    return {
      config: vitConfig('small', {
        embedDim,
        depth,
        heads,
        patchSize,
        imageSize: positions === 'rope' ? Math.max(1, Math.floor(rotarySize / patchSize)) * patchSize : (facts.tableSide ?? 1) * patchSize,
        positions,
        ropeBase: facts.ropeBase ?? 100,
        ffn,
        mlpRatio: ratioOf(facts, { embedDim, ffn }),
        registers,
        layerScale: facts.hasLayerScale === false ? 0 : (facts.layerScale ?? 1e-5),
        normEpsilon: facts.normEpsilon ?? layout.defaults.normEpsilon,
        qkvBias: facts.qkvBias ?? true,
        interpolation,
      }),
      assumed,
    };
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    throw new WeightsError(`${path} holds a model that cannot be: ${error.message}.`, { cause: error });
  }
}

/** The ratio that a configuration gives, or else one with the same width. */
function ratioOf({ ffnHiddenDim: hidden, mlpRatio = 4 }: Facts, shape: Pick<VitConfig, 'embedDim' | 'ffn'>): number {
  if (hidden === undefined || ffnHiddenDim({ ...shape, mlpRatio }) === hidden) return mlpRatio;
  return mlpRatioFor(hidden, shape);
}

/** Every released model has heads 64 wide, but DINOv3's 7B, whose are 128 wide. */
function assumedHeads(path: string, embedDim: number, positions: VitConfig['positions'], assumed: string[]): number {
  if (positions === 'rope' && embedDim === 4096) return 32;
  if (embedDim % 64 !== 0) {
    throw new WeightsError(
      `${path} does not tell the number of its attention heads, and its width ${embedDim} does not divide into heads of 64; pass attentionHeads.`,
    );
  }
  assumed.push(`${embedDim / 64} heads (of width 64)`);
  return embedDim / 64;
}

function definedOf(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
