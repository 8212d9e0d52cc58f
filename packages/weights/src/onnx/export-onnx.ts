import type { SavedModel } from '../save-backbone';
import { backboneGraph } from './backbone-graph';
import type { Precision } from './graph';
import { writeModel, type WrittenModel } from './write-model';

/** Options of {@link exportOnnx}. */
export interface OnnxOptions {
  /** Type of weights and arithmetic; inputs and outputs are float32 in either. float32 by default. */
  readonly precision?: Precision;
}

/** ONNX operator set: the first with `LayerNormalization`. IR version 8 goes with it. */
const operatorSet = 17;
const irVersion = 8;

/**
 * Write a backbone as an ONNX model that takes any batch, height and width.
 *
 * Input `pixel_values` (batch, 3, height, width) float32; outputs `last_hidden_state`
 * (batch, 1 + R + N, D), class token, registers and patches after the final norm, and `pooler_output`
 * (batch, D), the class token: the names that Hugging Face's exports have. The metadata hold the
 * configuration (`model`) and the preprocessing as JSON.
 *
 * Weights above protobuf's 2 GiB go to `<path>_data`, which belongs beside the model.
 *
 * @throws WeightsError when a file cannot be written, or a weight does not fit float16;
 * VitError when parameters do not fit the configuration.
 *
 * @example
 * ```ts
 * await exportOnnx('model.onnx', await loadPretrained('teacher_checkpoint.pth'));
 * ```
 */
export async function exportOnnx(path: string, model: SavedModel, { precision = 'float32' }: OnnxOptions = {}): Promise<WrittenModel> {
  return writeBackbone(path, model, precision);
}

/** {@link exportOnnx} with a limit of one's own on the size of the model file. */
export async function writeBackbone(path: string, model: SavedModel, precision: Precision, limit?: number): Promise<WrittenModel> {
  const { config, preprocessing } = model;
  const metadata = {
    model: JSON.stringify(config),
    ...(preprocessing !== undefined && { preprocessing: JSON.stringify(preprocessing) }),
  };
  return writeModel(path, { irVersion, operatorSet, producer: '@dinov2/weights', metadata }, backboneGraph(model, precision), limit);
}
