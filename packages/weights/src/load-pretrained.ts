import { dirname } from 'node:path';
import type { Preprocessing } from '@dinov2/augment';
import type { HostArray, PositionInterpolation, VitConfig } from '@dinov2/vit';
import { type OpenOptions, openWeights } from './files/open-weights';
import type { WeightsFile } from './files/weights-file';
import type { LayoutName } from './layouts/layout';
import { matchLayout } from './layouts/match';
import type { Branch } from './layouts/select-backbone';
import { summarise } from './layouts/summarise';
import { baseOfPeriods } from './load/base-of-periods';
import { findDescription } from './load/find-description';
import { findPreprocessing } from './load/find-preprocessing';
import { type LoadedHeads, readHeads } from './load/read-heads';
import { readParameters } from './load/read-parameters';

/** Choices of {@link loadPretrained}; a file tells all of them itself, but where it says otherwise here. */
export interface LoadOptions extends OpenOptions {
  /** Load the projection heads too, where the file has them. Off by default. */
  readonly heads?: boolean;
  /** Of a training checkpoint with both, the model to load; the teacher by default. */
  readonly branch?: Branch;
  /** How positions are resampled, if not as the program does whose layout it is. */
  readonly interpolation?: PositionInterpolation;
  /** Number of attention heads, where the file does not tell and they are not 64 wide. */
  readonly attentionHeads?: number;
  /** Where the summary goes; `console.info` by default, `false` for nowhere. */
  readonly log?: ((summary: string) => void) | false;
}

/** A backbone as it was found in a file, on the host. */
export interface Pretrained {
  readonly config: VitConfig;
  /** By canonical name, with the shapes of `parameterShapes(config)`. */
  readonly parameters: Record<string, HostArray>;
  /** Projection heads by canonical name; only when asked for, and the file has them. */
  readonly heads?: LoadedHeads;
  /** What makes an input of a picture, for `preprocess` of `@dinov2/data`. */
  readonly preprocessing: Preprocessing;
  readonly layout: LayoutName;
  /** What was found, in a few lines. */
  readonly summary: string;
}

/**
 * Load the backbone of a file or folder: released weights or training checkpoints of DINOv2 and DINOv3,
 * folders of transformers and timm, runs of this project. Layout and architecture are told by names and
 * shapes and by a configuration beside the weights; what is found is logged.
 *
 * Every value is read straight to its place, so that memory holds the model once.
 *
 * @param path - safetensors, its index, `.pth`, or a folder with one of them.
 * @throws WeightsError if it is another model, or a tensor is missing, unexpected, of another shape or
 * not finite; or if it contradicts the configuration beside it.
 *
 * @example
 * ```ts
 * const { config, parameters, preprocessing } = await loadPretrained('dinov2_vits14_pretrain.pth');
 * ```
 */
export async function loadPretrained(path: string, options: LoadOptions = {}): Promise<Pretrained> {
  const file = await openWeights(path, options);
  try {
    const loaded = await load(file, options);
    const { log = console.info } = options;
    if (log !== false) log(loaded.summary);
    return loaded;
  } finally {
    await file.close();
  }
}

async function load(file: WeightsFile, options: LoadOptions): Promise<Pretrained> {
  const { path, entries } = file;
  const folder = dirname(path);
  const description = await findDescription(file, folder);
  const match = matchLayout(path, entries, { ...options, description });
  const { layout, backbone, accounted } = match;
  const { preprocessing, source: preprocessingSource } = await findPreprocessing(file, folder, match, description);

  const parameters = await readParameters(file, match);
  const heads = options.heads === true ? await readHeads(file, folder, backbone.owner) : undefined;
  // DINOv3's repository stores the periods and not their base.
  const ropeBase = layout.name === 'dinov3' ? (description?.facts.ropeBase ?? baseOfPeriods(parameters['rope_embed.periods'].data)) : undefined;
  const config = ropeBase === undefined ? match.config : { ...match.config, ropeBase };
  return {
    config,
    parameters,
    ...(heads && { heads }),
    preprocessing,
    layout: layout.name,
    summary: summarise(path, layout, config, preprocessing, {
      prefix: backbone.prefix,
      source: description?.source,
      preprocessingSource,
      heads: Object.entries(heads ?? {}).map(([name, head]) => `${name} with ${head['last_layer.weight_v'].shape[0]} prototypes`),
      assumed: match.assumed,
      ignored: accounted.ignored.filter((name) => heads === undefined || !name.includes('_head')),
      notes: [
        ...(accounted.absent.some((name) => name.endsWith('mask_token')) ? ['the file has no mask token; zeros stand for it'] : []),
        ...(options.heads === true && heads === undefined ? ['the file has no projection heads'] : []),
      ],
    }),
  };
}
