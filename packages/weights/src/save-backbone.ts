import type { Pretrained } from './load-pretrained';
import { fairDinov2 } from './layouts/fair-dinov2';
import { fairDinov3 } from './layouts/fair-dinov3';
import { keyBiasIsZero, storedTensors } from './layouts/stored-tensors';
import { writeSafetensors, type WrittenFile } from './files/write-safetensors';

/** A model on the host, as `loadPretrained` gives it or `initialize` makes it. */
export type SavedModel = Pick<Pretrained, 'config' | 'parameters'> & Partial<Pick<Pretrained, 'preprocessing'>>;

/**
 * Write a backbone as float32 safetensors with the names of DINOv2's repository or, if its positions are
 * rotary, of DINOv3's. The file's metadata holds the configuration, so that the file alone loads again.
 *
 * @throws WeightsError if the parameters are not those of the configuration, or the file cannot be written.
 */
export async function saveBackbone(path: string, { config, parameters, preprocessing }: SavedModel): Promise<WrittenFile> {
  const rotary = config.positions === 'rope';
  const tensors = storedTensors(rotary ? fairDinov3 : fairDinov2, config, parameters);
  if (rotary && config.qkvBias && keyBiasIsZero(config, parameters)) {
    const { embedDim } = config;
    // The repository multiplies the biases of query, key and value by this.
    const mask = new Float32Array(3 * embedDim).fill(1).fill(0, embedDim, 2 * embedDim);
    for (let i = 0; i < config.depth; i++) {
      tensors[`blocks.${i}.attn.qkv.bias_mask`] = { shape: [3 * embedDim], data: mask };
    }
  }
  return writeSafetensors(path, tensors, {
    format: 'pt',
    model: JSON.stringify(config),
    ...(preprocessing && { preprocessing: JSON.stringify(preprocessing) }),
  });
}
