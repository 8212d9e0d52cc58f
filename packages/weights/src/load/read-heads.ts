import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HostArray } from '@dinov2/vit';
import { openWeights } from '../files/open-weights';
import type { WeightsFile } from '../files/weights-file';
import { selectHead, type SelectedHead } from '../layouts/heads';
import { readTensors } from './read-parameters';

/** Projection heads, each by canonical name. */
export type LoadedHeads = {
  readonly dino?: Record<string, HostArray>;
  readonly ibot?: Record<string, HostArray>;
};

/**
 * Read the heads of a model: from the backbone's own file, or in a run's folder from the one beside it.
 *
 * @param owner - what the names of the model begin with.
 */
export async function readHeads(file: WeightsFile, folder: string, owner: string): Promise<LoadedHeads | undefined> {
  const own = await readHeadsOf(file, owner);
  if (own !== undefined || basename(file.path) !== 'backbone.safetensors') return own;
  const beside = join(folder, 'heads.safetensors');
  if (!existsSync(beside)) return undefined;
  const heads = await openWeights(beside);
  try {
    return await readHeadsOf(heads, '');
  } finally {
    await heads.close();
  }
}

async function readHeadsOf(file: WeightsFile, owner: string): Promise<LoadedHeads | undefined> {
  const dino = selectHead(file.path, file.entries, owner, 'dino');
  const ibot = selectHead(file.path, file.entries, owner, 'ibot');
  if (dino === undefined && ibot === undefined) return undefined;
  return { ...(dino && { dino: await readHead(file, dino) }), ...(ibot && { ibot: await readHead(file, ibot) }) };
}

async function readHead(file: WeightsFile, head: SelectedHead): Promise<Record<string, HostArray>> {
  const parameters = await readTensors(file, head.tensors);
  if (head.plainLastLayer) {
    const { data, shape } = parameters['last_layer.weight_v'];
    parameters['last_layer.weight_g'] = { data: rowNorms(data, shape[1]), shape: [shape[0], 1] };
  }
  return parameters;
}

function rowNorms(data: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: data.length / width }, (_, row) => {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += data[i] ** 2;
    return Math.sqrt(sum);
  });
}
