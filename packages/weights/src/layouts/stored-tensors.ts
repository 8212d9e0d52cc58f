import { checkParameters, type HostArray, parameterShapes, type VitConfig, VitError } from '@dinov2/vit';
import { WeightsError } from '../errors';
import type { HostTensor } from '../files/write-safetensors';
import { type Layout, piecesOf } from './layout';

/** A model to write. */
export type ModelParameters = Readonly<Record<string, HostArray>>;

/**
 * A model's parameters under the names of a layout, as views. Values that the layout does not store are
 * left out.
 *
 * @throws WeightsError if the parameters are not those of the configuration.
 */
export function storedTensors(layout: Layout, config: VitConfig, parameters: ModelParameters): Record<string, HostTensor> {
  checkModel(config, parameters);
  const written: Record<string, HostTensor> = {};
  for (const [parameter, pieces] of piecesOf(layout, config)) {
    const { data } = parameters[parameter];
    let offset = 0;
    for (const piece of pieces) {
      const size = 'values' in piece ? piece.values.length : piece.shape.reduce((a, b) => a * b, 1);
      const part = data.subarray(offset, (offset += size));
      if ('name' in piece) written[piece.name] = { shape: piece.shape, data: part };
    }
  }
  return written;
}

/** Whether the key's third of every bias of query, key and value is zero. */
export function keyBiasIsZero({ depth, embedDim, qkvBias }: VitConfig, parameters: ModelParameters): boolean {
  if (!qkvBias) return true;
  return Array.from({ length: depth }, (_, i) => parameters[`blocks.${i}.attn.qkv.bias`].data).every((bias) =>
    bias.subarray(embedDim, 2 * embedDim).every((value) => value === 0),
  );
}

function checkModel(config: VitConfig, parameters: ModelParameters): void {
  try {
    checkParameters(parameters, parameterShapes(config));
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    throw new WeightsError(`The model cannot be written: ${error.message}.`, { cause: error });
  }
}
