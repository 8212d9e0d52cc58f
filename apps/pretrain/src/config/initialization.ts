import { vitConfig, type VitConfig } from '@dinov2/vit';
import { PretrainError } from '../error';
import { isTree, type Tree } from './keys';
import type { Layer } from './layer';
import { modelSizes, type ModelSize, type Settings } from './schema';

/** What settings need to know of the weights that a run begins with. */
export interface Initialization {
  /** As the settings name them. */
  readonly path: string;
  /** The model as the weights have it, with their own position table. */
  readonly model: VitConfig;
  /** The heads that come with them. */
  readonly heads: readonly ('dino' | 'ibot')[];
  /** A few lines that describe them. */
  readonly summary: string;
}

/** The model of a named size. */
export const sizeConfig = (size: ModelSize, overrides?: Partial<VitConfig>): VitConfig =>
  vitConfig(size === 'giant' ? 'giant2' : size, overrides);

/** The size that has a model's width and number of attention heads, if one has a name. */
export function sizeOf({ embedDim, heads }: VitConfig): ModelSize | null {
  return modelSizes.find((size) => sizeConfig(size).embedDim === embedDim && sizeConfig(size).heads === heads) ?? null;
}

/** The recipe for going on with a model: that of its size or of the one nearest in width, and of its patch. */
export function recipeOfWeights({ embedDim, patchSize }: VitConfig): string {
  const distance = (size: ModelSize) => Math.abs(Math.log(sizeConfig(size).embedDim / embedDim));
  const nearest = [...modelSizes].sort((a, b) => distance(a) - distance(b))[0]!;
  if (nearest === 'tiny' || nearest === 'small') return `cpu-${nearest}`;
  if (nearest === 'giant') return 'vitg14';
  return patchSize === 16 ? 'vitl16_short' : 'vitl14';
}

/**
 * The model settings that the weights stand for, to be laid over all others.
 *
 * @param asked - layers in which the user named settings.
 * @throws PretrainError naming both where a layer asks for another model.
 */
export function weightsLayer({ path, model }: Initialization, asked: readonly Layer[]): Layer {
  const { patchSize, registers, layerScale, depth, ffn, interpolation } = model;
  const problems: string[] = [];
  const check = (key: keyof Settings['model'], found: unknown, fits = (value: unknown) => value === found) => {
    const layer = asked.findLast(({ values }) => isTree(values['model']) && key in values['model']);
    const value = (layer?.values['model'] as Tree | undefined)?.[key];
    if (layer === undefined || value === null || fits(value)) return;
    // Sizes alone may have no name.
    const [theirs, remedy] = found === null ? [`a width of ${model.embedDim}, which has no name`, ''] : [String(found), `pass model.${key}=${String(found)}, or `];
    problems.push(
      `${layer.place(`model.${key}`)}: model.${key} is ${String(value)}, and in ${path} it is ${theirs}; ${remedy}leave the key out: with --init the weights say what the model is`,
    );
  };
  check('size', sizeOf(model));
  check('patchSize', patchSize);
  check('registers', registers);
  check('depth', depth);
  check('ffn', ffn);
  // A first value otherwise, which the weights replace; 0 builds blocks without it.
  check('layerScale', layerScale, (value) => (value === 0) === (layerScale === 0));
  if (problems.length > 0) throw new PretrainError(problems.join('\n'));

  const named = asked.findLast(({ values }) => isTree(values['model']) && 'interpolation' in values['model']);
  const given = (named?.values['model'] as Tree | undefined)?.['interpolation'];
  return {
    values: {
      model: {
        size: sizeOf(model), patchSize, registers, layerScale, depth, ffn,
        interpolation: { ...interpolation, ...(isTree(given) && given) },
      },
    },
    place: () => path,
  };
}
