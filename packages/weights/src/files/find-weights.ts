import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WeightsError } from '../errors';
import { listSome } from './weights-file';

/** The file in `folder` that holds weights. */
export async function findWeights(folder: string): Promise<string> {
  let names: string[];
  try {
    names = (await readdir(folder)).sort();
  } catch (error) {
    throw new WeightsError(`Cannot list ${folder}: ${(error as Error).message}. Check its permissions.`, { cause: error });
  }
  const known = wellKnown.find((name) => names.includes(name));
  if (known !== undefined) return join(folder, known);

  const candidates = names.filter((name) => /\.(safetensors|pth|pt|bin)$/.test(name) || /\.(safetensors|bin)\.index\.json$/.test(name));
  if (candidates.length === 1) return join(folder, candidates[0]);
  if (names.some((name) => name.endsWith('.distcp'))) {
    throw new WeightsError(
      `${folder} is a checkpoint of torch.distributed, spread over .distcp files. In Python, turn it into one file: ` +
        'torch.distributed.checkpoint.format_utils.dcp_to_torch_save(folder, "weights.pth").',
    );
  }
  throw new WeightsError(
    candidates.length === 0
      ? `${folder} holds no weights: none of ${wellKnown.join(', ')}, nor another .safetensors, .pth, .pt or .bin file. It holds ${listSome(names)}.`
      : `${folder} holds several weights: ${listSome(candidates)}. Name the file to open.`,
  );
}

const wellKnown = [
  'model.safetensors',
  'model.safetensors.index.json',
  'backbone.safetensors',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
];
