import { WeightsError } from '../errors';
import type { RandomAccessFile } from './random-access-file';

/** What a file holds: `index` is the JSON that lists the shards of weights in several files. */
export type FileKind = 'safetensors' | 'pytorch' | 'index';

/**
 * Tell what a file is by its first bytes.
 *
 * @throws WeightsError naming what it is instead, and what to do, if it is not weights that can be read.
 */
export async function recognise(file: RandomAccessFile): Promise<FileKind> {
  const head = new Uint8Array(Math.min(file.size, 512));
  await file.read(head, 0);
  const text = new TextDecoder('latin1').decode(head);
  if (text.startsWith('PK\x03\x04')) return 'pytorch';
  // Eight bytes of length come first, the upper ones zero; a JSON text has no zeros.
  if (text[8] === '{' && text.slice(0, 8).includes('\0')) return 'safetensors';
  if (/^\s*\{/.test(text)) return 'index';
  const [, what, remedy] = others.find(([matches]) => matches(text)) ?? unknown;
  throw new WeightsError(`${file.path} is ${what}. ${remedy}.`);
}

const resave = 'In Python, load it and save its state dict again: torch.save(model.state_dict(), "weights.pth")';
const starts = (...prefixes: string[]) => (text: string): boolean => prefixes.some((prefix) => text.startsWith(prefix));
const pickles = ['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'];
// The number with which torch.save began files before it wrote zip archives.
const legacyMagic = '\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19';

const others: readonly (readonly [(text: string) => boolean, string, string])[] = [
  [(text) => text === '', 'empty', 'Copy or download it again'],
  [starts(...pickles.map((prefix) => prefix + legacyMagic)), 'a torch.save file of PyTorch before 1.6 (a bare pickle, not a zip archive)', resave],
  [starts(...pickles), 'a bare pickle, not the zip archive that torch.save writes', resave],
  [(text) => text.slice(257, 262) === 'ustar', 'a tar archive', 'Unpack it; if it is a torch.save file of PyTorch before 0.1.10, save it again with a newer one'],
  [starts('version https://git-lfs'), 'a Git LFS pointer, not the weights themselves', 'Run `git lfs pull` in its repository, or download the file itself'],
  [(text) => /^\s*(<!doctype|<html|<\?xml)/i.test(text), 'a web page', 'The download was answered with a page instead of the file: open its address in a browser to see why'],
  [starts('\x1f\x8b'), 'gzip-compressed', 'Decompress it with gunzip'],
  [starts('\x89HDF'), 'an HDF5 file', 'Convert the weights to safetensors'],
  [starts('GGUF'), 'a GGUF file', 'Convert the weights to safetensors'],
];
const unknown = [undefined, 'neither a safetensors file nor a .pth archive', 'Check that it is weights, or copy or download it again'] as const;
