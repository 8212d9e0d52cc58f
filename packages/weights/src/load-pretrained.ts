import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Preprocessing } from '@dinov2/augment';
import type { HostArray, PositionInterpolation, VitConfig } from '@dinov2/vit';
import { WeightsError } from './errors';
import { type OpenOptions, openWeights } from './files/open-weights';
import { type JsonBounds, parseJson } from './files/parse-json';
import type { WeightsFile } from './files/weights-file';
import { choosePreprocessing } from './layouts/choose-preprocessing';
import { type ConfigDescription, describeConfig } from './layouts/describe-config';
import { type SelectedHead, selectHead } from './layouts/heads';
import { fromPreprocessorConfig } from './layouts/hugging-face-preprocessing';
import type { LayoutName } from './layouts/layout';
import { matchLayout } from './layouts/match';
import { readParameters, readTensors } from './layouts/read-parameters';
import { isPreprocessing } from './layouts/is-preprocessing';
import type { Branch } from './layouts/select-backbone';
import { summarise } from './layouts/summarise';

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
  readonly heads?: {
    readonly dino?: Record<string, HostArray>;
    readonly ibot?: Record<string, HostArray>;
  };
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
  const { layout, backbone, config, assumed, pieces, accounted } = matchLayout(path, entries, { ...options, description });
  const parameters = await readParameters(file, backbone.source, pieces, accounted, config);
  const heads = options.heads === true ? await loadHeads(file, folder, backbone.owner) : undefined;
  const { preprocessing, source: preprocessingSource } = await findPreprocessing();

  return {
    config: layout.name === 'dinov3' && description?.facts.ropeBase === undefined ? { ...config, ropeBase: baseOf(parameters) ?? config.ropeBase } : config,
    parameters,
    ...(heads && { heads }),
    preprocessing,
    layout: layout.name,
    summary: summarise(path, layout, config, preprocessing, {
      prefix: backbone.prefix,
      source: description?.source,
      preprocessingSource,
      heads: Object.entries(heads ?? {}).map(([name, head]) => `${name} with ${head['last_layer.weight_v'].shape[0]} prototypes`),
      assumed,
      ignored: accounted.ignored.filter((name) => heads === undefined || !name.includes('_head')),
      notes: [
        ...(accounted.absent.some((name) => name.endsWith('mask_token')) ? ['the file has no mask token; zeros stand for it'] : []),
        ...(options.heads === true && heads === undefined ? ['the file has no projection heads'] : []),
      ],
    }),
  };

  async function findPreprocessing(): Promise<{ preprocessing: Preprocessing; source: string }> {
    const name = 'preprocessor_config.json';
    const own = file.metadata.preprocessing;
    const beside = own === undefined ? await readJson(join(folder, name)) : undefined;
    const read = beside === undefined ? description?.preprocessing : fromPreprocessorConfig(beside);
    if (own !== undefined) {
      const preprocessing = parseMetadata(path, 'preprocessing', own);
      if (!isPreprocessing(preprocessing)) throw new WeightsError(`The metadata "preprocessing" of ${path} is ${own}, which is none. Write the file anew.`);
      return { preprocessing, source: 'from its metadata' };
    }
    if (read !== undefined && 'preprocessing' in read) {
      return { preprocessing: read.preprocessing, source: `from ${beside === undefined ? description!.source : name}` };
    }
    // Released models with this norm: the 7B ones, and of those of width 1024 the satellite model alone.
    const localNorm = [...entries.keys()].some((key) => /(^|\.)local_cls_norm\./.test(key));
    const preset = choosePreprocessing(layout, config, {
      satellite: /sat493m/.test(path) || (localNorm && config.embedDim === 1024),
      ownSize: description?.writer === 'dinov2-ts',
    });
    const why = read === undefined ? '' : `; ${beside === undefined ? description!.source : name} says ${read.unsupported}, which is not supported`;
    return { preprocessing: preset, source: `as ${layout.title}${why}` };
  }
}

/** The configuration in the file, or beside it. */
async function findDescription(file: WeightsFile, folder: string): Promise<ConfigDescription | undefined> {
  const own = file.metadata.model;
  if (own !== undefined) {
    const description = describeConfig(`the metadata of ${basename(file.path)}`, parseMetadata(file.path, 'model', own));
    if (description !== undefined) return description;
  }
  for (const name of ['config.json', 'manifest.json']) {
    const json = await readJson(join(folder, name));
    const description = json === undefined ? undefined : describeConfig(name, json);
    if (description !== undefined) return description;
  }
  return undefined;
}

/** A configuration lists some thousands of labels at most. */
const bounds: JsonBounds & { readonly bytes: number } = { bytes: 1 << 26, depth: 32, values: 1_000_000 };

async function readJson(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path);
    if (size > bounds.bytes) throw new SyntaxError(`has ${size} bytes, more than a configuration needs`);
    return parseJson(await readFile(path), bounds);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new WeightsError(`${path} ${error.message}. Download it again, or remove it.`, { cause: error });
    }
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new WeightsError(`Cannot read ${path}: ${(error as Error).message}. Check its permissions.`, { cause: error });
  }
}

function parseMetadata(path: string, key: string, text: string): unknown {
  try {
    return parseJson(new TextEncoder().encode(text), bounds);
  } catch (error) {
    throw new WeightsError(`The metadata "${key}" of ${path} ${(error as Error).message}. Write the file anew.`, { cause: error });
  }
}

/** Heads lie in the backbone's own file, or in a run's folder in one of their own. */
async function loadHeads(file: WeightsFile, folder: string, owner: string): Promise<Pretrained['heads']> {
  const own = await readHeads(file, owner);
  if (own !== undefined || basename(file.path) !== 'backbone.safetensors') return own;
  let beside: WeightsFile;
  try {
    beside = await openWeights(join(folder, 'heads.safetensors'));
  } catch (error) {
    if (/ENOENT/.test((error as Error).message)) return undefined;
    throw error;
  }
  try {
    return await readHeads(beside, '');
  } finally {
    await beside.close();
  }
}

async function readHeads(file: WeightsFile, owner: string): Promise<Pretrained['heads']> {
  const dino = selectHead(file.path, file.entries, owner, 'dino');
  const ibot = selectHead(file.path, file.entries, owner, 'ibot');
  if (dino === undefined && ibot === undefined) return undefined;
  const read = async (head: SelectedHead): Promise<Record<string, HostArray>> => {
    const parameters = await readTensors(file, head.tensors);
    if (head.plainLastLayer) {
      const { data, shape } = parameters['last_layer.weight_v'];
      parameters['last_layer.weight_g'] = { data: rowNorms(data, shape[1]), shape: [shape[0], 1] };
    }
    return parameters;
  };
  return { ...(dino && { dino: await read(dino) }), ...(ibot && { ibot: await read(ibot) }) };
}

function rowNorms(data: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: data.length / width }, (_, row) => {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += data[i] ** 2;
    return Math.sqrt(sum);
  });
}

/** The roundest base that explains stored periods `base^(i/F)`, which may be rounded to bfloat16 (8 bits). */
function baseOf(parameters: Readonly<Record<string, HostArray>>): number | undefined {
  const periods = parameters['rope_embed.periods'].data;
  const count = periods.length;
  const base = periods[count - 1] ** (count / (count - 1));
  if (!(base > 0 && Number.isFinite(base))) return undefined;
  const explains = (candidate: number): boolean => periods.every((period, i) => Math.abs(period / candidate ** (i / count) - 1) <= 2 ** -8);
  return [100, Number(base.toPrecision(2)), Number(base.toPrecision(4))].find(explains) ?? base;
}
