import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ProbeError } from '../error';
import { type Result, resultSchema } from './schema';

const RESULT = 'result.json';

/** Write a text file whole or not at all, with its folder. */
export function writeText(path: string, text: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, text);
  renameSync(`${path}.partial`, path);
  return path;
}

/** Write `result.json` into a folder. */
export function writeResult(folder: string, result: Result): string {
  return writeText(join(folder, RESULT), `${JSON.stringify(resultSchema.parse(result), null, 2)}\n`);
}

/**
 * Read the result of an evaluation.
 *
 * @param path - `result.json`, or the folder that holds it.
 * @throws ProbeError when it is missing, or not such a file.
 */
export function readResult(path: string): Result {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, RESULT) : path;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ProbeError(`cannot read the result ${file}: ${(error as Error).message}; pass a ${RESULT} that an evaluation wrote, or its folder`);
  }
  const parsed = resultSchema.safeParse(json);
  if (!parsed.success) throw new ProbeError(`${file} is no result of dinov2-probe: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ')}`);
  return parsed.data;
}
