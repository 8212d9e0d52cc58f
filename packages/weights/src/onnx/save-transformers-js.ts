import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WeightsError } from '../errors';
import { atomicWrite } from '../files/atomic-write';
import { pythonJson } from '../layouts/python-json';
import type { SavedModel } from '../save-backbone';
import { type SavedFolder, saveHuggingFace } from '../save-hugging-face';
import { writeBackbone } from './export-onnx';
import type { Precision } from './graph';

/** Options of {@link saveTransformersJs}. */
export interface TransformersJsOptions {
  /** Models to write: `onnx/model.onnx` for float32 (the default), `onnx/model_fp16.onnx` for float16. */
  readonly precisions?: readonly Precision[];
  /** Where notes go; `console.info` by default, `false` for nowhere. */
  readonly log?: ((note: string) => void) | false;
}

/** File name and `dtype` of transformers.js. */
const models: Readonly<Record<Precision, { readonly file: string; readonly dtype: string }>> = {
  float32: { file: 'model.onnx', dtype: 'fp32' },
  float16: { file: 'model_fp16.onnx', dtype: 'fp16' },
};

/**
 * Write a folder that transformers.js loads as an `image-feature-extraction` pipeline, in Node and in
 * a browser: that of {@link saveHuggingFace}, and ONNX models in `onnx/`. `config.json` tells it the
 * `dtype` to take when none is asked for, so that a page needs no options.
 *
 * @throws WeightsError as `saveHuggingFace` and `exportOnnx` do.
 *
 * @example
 * ```ts
 * await saveTransformersJs('models/ours', await loadPretrained('runs/ours'));
 * // In a page that is served beside `models/`:
 * env.localModelPath = 'models';
 * const extractor = await pipeline('image-feature-extraction', 'ours');
 * ```
 */
export async function saveTransformersJs(
  folder: string,
  model: SavedModel,
  { precisions = ['float32'], log }: TransformersJsOptions = {},
): Promise<SavedFolder> {
  return saveFolder(folder, model, precisions, log);
}

/** {@link saveTransformersJs} with a limit of one's own on the size of a model file. */
export async function saveFolder(
  folder: string,
  model: SavedModel,
  precisions: readonly Precision[],
  log: TransformersJsOptions['log'],
  limit?: number,
): Promise<SavedFolder> {
  if (precisions.length === 0) throw new WeightsError(`No precisions to export to ${folder}; pass "float32", "float16" or both.`);
  const saved = await saveHuggingFace(folder, model, { log });
  const inTwoFiles: Record<string, number> = {};
  await mkdir(join(folder, 'onnx'), { recursive: true });
  for (const precision of precisions) {
    const { file } = models[precision];
    const { externalData } = await writeBackbone(join(folder, 'onnx', file), model, precision, limit);
    if (externalData) inTwoFiles[file] = 1;
  }
  const path = join(folder, 'config.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as object;
  const settings = {
    dtype: models[precisions.includes('float32') ? 'float32' : 'float16'].dtype,
    ...(Object.keys(inTwoFiles).length > 0 && { use_external_data_format: inTwoFiles }),
  };
  await atomicWrite(path, (file) => file.writeFile(pythonJson({ ...config, 'transformers.js_config': settings })));
  return saved;
}
