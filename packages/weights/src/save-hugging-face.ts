import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ropePeriods, type VitConfig } from '@dinov2/vit';
import { WeightsError } from './errors';
import { atomicWrite } from './files/atomic-write';
import { writeSafetensors } from './files/write-safetensors';
import { choosePreprocessing } from './layouts/choose-preprocessing';
import { huggingFaceDinov2, huggingFaceDinov2WithRegisters } from './layouts/hugging-face-dinov2';
import { huggingFaceDinov3 } from './layouts/hugging-face-dinov3';
import { toPreprocessorConfig } from './layouts/hugging-face-preprocessing';
import { pythonJson } from './layouts/python-json';
import { keyBiasIsZero, type ModelParameters, storedTensors } from './layouts/stored-tensors';
import { huggingFaceConfig, type HuggingFaceModelType } from './layouts/to-hugging-face-config';
import type { SavedModel } from './save-backbone';

/** What was written. */
export interface SavedFolder {
  readonly modelType: HuggingFaceModelType;
  /** In what the model differs in transformers, a sentence each; usually none. */
  readonly notes: readonly string[];
}

/**
 * Write a folder that `AutoModel.from_pretrained` and `AutoImageProcessor.from_pretrained` of Python's
 * transformers load: `config.json`, `preprocessor_config.json`, `model.safetensors` (float32). The type is
 * `dinov3_vit` with rotary positions, else `dinov2_with_registers` or `dinov2`.
 *
 * @param options.log - where notes go; `console.info` by default, `false` for nowhere.
 * @throws WeightsError for a model that transformers cannot express, naming why; or if the folder
 * cannot be written.
 */
export async function saveHuggingFace(
  folder: string,
  { config, parameters, preprocessing }: SavedModel,
  { log = console.info }: { readonly log?: ((note: string) => void) | false } = {},
): Promise<SavedFolder> {
  const rotary = config.positions === 'rope';
  const layout = rotary ? huggingFaceDinov3 : config.registers > 0 ? huggingFaceDinov2WithRegisters : huggingFaceDinov2;
  const notes: string[] = [];
  const keyBias = rotary && !keyBiasIsZero(config, parameters);
  const { modelType, json } = huggingFaceConfig(config, keyBias);
  const tensors = { ...storedTensors(layout, ...withLayerScale(config, parameters, notes)) };

  if (rotary) {
    checkPeriods(config, parameters, notes);
    if (!keyBias) {
      for (const name of Object.keys(tensors)) if (name.endsWith('.k_proj.bias')) delete tensors[name];
    }
    // The module has them even where there are none.
    if (config.registers === 0) tensors['embeddings.register_tokens'] = { shape: [1, 0, config.embedDim], data: new Float32Array(0) };
  } else {
    const theirs = layout.defaults.interpolation(config.registers);
    const { offset, antialias } = config.interpolation;
    if (theirs.offset !== offset || theirs.antialias !== antialias) {
      notes.push(
        `transformers resamples positions with offset ${theirs.offset}, ${theirs.antialias ? '' : 'not '}antialiased, this model with offset ${offset}, ` +
          `${antialias ? '' : 'not '}antialiased: for pictures of another size than ${config.imageSize} x ${config.imageSize} the features differ.`,
      );
    }
  }

  const processor = toPreprocessorConfig(
    preprocessing ?? choosePreprocessing(layout, config, { satellite: false, ownSize: false }),
    rotary ? 'dinov3_vit' : 'dinov2',
  );
  try {
    await mkdir(folder, { recursive: true });
    await writeJson(join(folder, 'config.json'), json);
    await writeJson(join(folder, 'preprocessor_config.json'), processor);
  } catch (error) {
    throw new WeightsError(`Cannot write ${folder}: ${(error as Error).message}. Check the path and its permissions.`, { cause: error });
  }
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' });
  if (log !== false) for (const note of notes) log(`${folder}: ${note}`);
  return { modelType, notes };
}

/** Blocks without LayerScale as blocks whose LayerScale is one, which transformers always has. */
function withLayerScale(config: VitConfig, parameters: ModelParameters, notes: string[]): [VitConfig, ModelParameters] {
  if (config.layerScale !== 0) return [config, parameters];
  notes.push('transformers always has LayerScale: it is one in every block, which changes nothing.');
  const gamma = { data: new Float32Array(config.embedDim).fill(1), shape: [config.embedDim] };
  const scaled: Record<string, ModelParameters[string]> = { ...parameters };
  for (let i = 0; i < config.depth; i++) {
    scaled[`blocks.${i}.ls1.gamma`] = gamma;
    scaled[`blocks.${i}.ls2.gamma`] = gamma;
  }
  return [{ ...config, layerScale: 1 }, scaled];
}

/** transformers computes the periods from their base. */
function checkPeriods(config: VitConfig, parameters: ModelParameters, notes: string[]): void {
  const stored = parameters['rope_embed.periods'].data;
  const error = Math.max(...ropePeriods(config).map((period, i) => Math.abs(stored[i] / period - 1)));
  // What rounding to bfloat16, 8 bits, leaves.
  if (!(error <= 2 ** -8)) {
    throw new WeightsError(
      `The rotary periods of this model are not those of a base of ${config.ropeBase}, which is all that transformers can be told; set ropeBase to the base they were made with.`,
    );
  }
  if (error > 1e-6) {
    notes.push(
      `transformers computes the rotary periods from their base; those of this model are rounded, by up to ${(100 * error).toPrecision(2)} %, so that the features differ a little.`,
    );
  }
}

async function writeJson(path: string, json: unknown): Promise<void> {
  await atomicWrite(path, (file) => file.writeFile(pythonJson(json)));
}
