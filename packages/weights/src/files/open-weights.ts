import { stat } from 'node:fs/promises';
import { WeightsError } from '../errors';
import { findWeights } from './find-weights';
import { openSharded } from './open-sharded';
import { openFile } from './random-access-file';
import { readSafetensorsHeader } from './open-safetensors';
import { readPytorchArchive } from './pytorch/open-pytorch';
import { recognise } from './recognise';
import type { WeightsFile } from './weights-file';

export interface OpenOptions {
  /**
   * Check the tensors of a `.pth` file against its checksums while they are read (the default). Files
   * saved under `torch.serialization.set_crc32_options(False)` have none: `false` reads them.
   */
  readonly verifyChecksums?: boolean;
}

/**
 * Open weights: a safetensors file, the index of a sharded one, a `.pth` file of PyTorch, or a folder
 * with one of them. What a file is, is told by its content.
 *
 * A folder is searched for, in this order, `model.safetensors`, `model.safetensors.index.json`,
 * `backbone.safetensors`, `pytorch_model.bin`, `pytorch_model.bin.index.json`, and then for the only
 * file that ends in `.safetensors`, `.pth`, `.pt` or `.bin`.
 *
 * @throws WeightsError if there are no such weights, or they are damaged.
 */
export async function openWeights(path: string, { verifyChecksums = true }: OpenOptions = {}): Promise<WeightsFile> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    throw new WeightsError(`Cannot open ${path}: ${(error as Error).message}. Check the path and its permissions.`, { cause: error });
  }
  return openWeightsFile(isFolder ? await findWeights(path) : path, verifyChecksums, true);
}

async function openWeightsFile(path: string, verifyChecksums: boolean, mayBeIndex: boolean): Promise<WeightsFile> {
  const file = await openFile(path);
  try {
    const kind = await recognise(file);
    if (kind === 'safetensors') return await readSafetensorsHeader(file);
    if (kind === 'pytorch') return await readPytorchArchive(file, verifyChecksums);
    if (!mayBeIndex) throw new WeightsError(`${path} is an index of shards where a shard should be; download the folder again.`);
    const sharded = await openSharded(file, (shard) => openWeightsFile(shard, verifyChecksums, false));
    await file.close();
    return sharded;
  } catch (error) {
    await file.close();
    throw error;
  }
}
