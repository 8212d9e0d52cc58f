import { WeightsError } from '../errors';
import type { RandomAccessFile } from './random-access-file';

/** What a file holds: `index` is the JSON that lists the shards of weights in several files. */
export type FileKind = 'safetensors' | 'index';

/**
 * Tell what a file is by its first bytes.
 *
 * @throws WeightsError naming what it is instead, and what to do, if it is not weights that can be read.
 */
export async function recognise(file: RandomAccessFile): Promise<FileKind> {
  const head = new Uint8Array(Math.min(file.size, 512));
  await file.read(head, 0);
  const text = new TextDecoder('latin1').decode(head);
  if (text[8] === '{') return 'safetensors';
  if (/^\s*\{/.test(text)) return 'index';
  const [, what, remedy] = others.find(([pattern]) => pattern.test(text)) ?? unknown;
  throw new WeightsError(`${file.path} is ${what}. ${remedy}.`);
}

const resave = 'In Python, load it and save its state dict again: torch.save(model.state_dict(), "weights.pth")';

const others: readonly (readonly [RegExp, string, string])[] = [
  [/^$/, 'empty', 'Copy or download it again'],
  [/^\x80[\x02-\x05]\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19/, 'a torch.save file of PyTorch before 1.6 (a bare pickle, not a zip archive)', resave],
  [/^\x80[\x02-\x05]/, 'a bare pickle, not the zip archive that torch.save writes', resave],
  [/^[^]{257}ustar/, 'a tar archive', 'Unpack it; if it is a torch.save file of PyTorch before 0.1.10, save it again with a newer one'],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer, not the weights themselves', 'Run `git lfs pull` in its repository, or download the file itself'],
  [/^\s*(<!doctype|<html|<\?xml)/i, 'a web page', 'The download was answered with a page instead of the file: open its address in a browser to see why'],
  [/^\x1f\x8b/, 'gzip-compressed', 'Decompress it with gunzip'],
  [/^\x89HDF/, 'an HDF5 file', 'Convert the weights to safetensors'],
  [/^GGUF/, 'a GGUF file', 'Convert the weights to safetensors'],
];
const unknown = [/^/, 'neither a safetensors file nor a .pth archive', 'Check that it is weights, or copy or download it again'] as const;
