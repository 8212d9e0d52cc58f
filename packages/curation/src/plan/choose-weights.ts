import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runView } from '@dinov2/app-kit';
import { createExtractor, type Extractor, pixelExtractor } from '@dinov2/features';
import { loadPretrained } from '@dinov2/weights';
import { CurationError } from '../error';
import type { EmbedSettings } from './schema';

type Preprocessing = Extractor['preprocessing'];

/** Weights of a plan, once those are found that it does not name. */
export interface ChosenWeights {
  /** Path, or `pixels`. */
  readonly weights: string;
  /** Said where nothing was named and nothing was found. */
  readonly warning?: string;
}

/** The weights that a plan names, else the newest run in `runs`, else raw pixels. */
export function chooseWeights(named: string | null, runs = 'runs'): ChosenWeights {
  if (named !== null) return { weights: named };
  const found = newestRun(runs);
  if (found !== undefined) return { weights: resolve(found) };
  return {
    weights: 'pixels',
    warning:
      'no weights: pictures are compared by their pixels, which finds copies but knows nothing of what they show. ' +
      'Pass --weights PATH (a run, a Hugging Face folder, .safetensors or .pth), or train first: dinov2-pretrain --data FOLDER',
  };
}

/** The folder below `runs` whose backbone was written last. */
function newestRun(runs: string): string | undefined {
  if (!existsSync(runs)) return undefined;
  const found = readdirSync(runs, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => join(runs, name))
    .flatMap((folder) => {
      const stats = statSync(join(folder, 'backbone.safetensors'), { throwIfNoEntry: false });
      return stats === undefined ? [] : [{ folder, modified: stats.mtimeMs }];
    });
  return found.sort((a, b) => b.modified - a.modified || (a.folder < b.folder ? -1 : 1))[0]?.folder;
}

/** Pictures as 8 × 8 pixels in colour: as much of one as tells copies. */
const pixelPatch = 8;
/** The whole picture, so that nothing at its edges is lost. */
const pixelPreprocessing: Preprocessing = {
  resize: { height: 8 * pixelPatch, width: 8 * pixelPatch },
  resample: 'bicubic',
  resizer: 'pillow',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/**
 * What embeds the pictures of a plan: the class token of a network, or raw pixels.
 *
 * @throws CurationError when there are no such weights, or sizes do not fit them.
 */
export async function openExtractor(weights: string, { size, resize, workers }: Pick<EmbedSettings, 'size' | 'resize' | 'workers'>): Promise<Extractor> {
  if (weights === 'pixels') return pixelExtractor({ classTokens: 1 }, { patchSize: pixelPatch, preprocessing: pixelPreprocessing });
  if (!existsSync(weights)) throw new CurationError(`no weights at ${weights}; check the path, or pass \`pixels\``);
  const { config, parameters, preprocessing } = await loadPretrained(weights, { log: false });
  const backbone = { config, parameters, preprocessing: sized(runView(weights, preprocessing), { size, resize }, config.patchSize, weights) };
  return createExtractor(backbone, { classTokens: 1 }, { ...(workers !== null && { workers }) });
}

/** The weights' own preprocessing, or with the size that was asked for. */
function sized(preprocessing: Preprocessing, { size, resize }: Pick<EmbedSettings, 'size' | 'resize'>, patch: number, path: string): Preprocessing {
  if (size === null && resize === null) return preprocessing;
  const own = preprocessing.crop ?? ('shortestEdge' in preprocessing.resize ? undefined : preprocessing.resize);
  const side = size ?? own?.height;
  if (side === undefined) throw new CurationError(`the preprocessing of ${path} keeps pictures of any size; set embed.size too`);
  if (side % patch !== 0) {
    const lower = Math.max(1, Math.floor(side / patch)) * patch;
    throw new CurationError(`embed.size ${side} is no multiple of the patches of ${patch} pixels of ${path}; use ${lower} or ${lower + patch}`);
  }
  const ownEdge = 'shortestEdge' in preprocessing.resize ? preprocessing.resize.shortestEdge : preprocessing.resize.height;
  const edge = resize ?? Math.round((side * ownEdge) / (own?.height ?? side));
  if (edge < side) throw new CurationError(`embed.resize ${edge} is less than the ${side} pixels that are kept; use ${side} or more`);
  return { ...preprocessing, resize: { shortestEdge: edge }, crop: { height: side, width: side } };
}
