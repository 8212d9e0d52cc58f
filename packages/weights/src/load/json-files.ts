import { readFile, stat } from 'node:fs/promises';
import { WeightsError } from '../errors';
import { type JsonBounds, parseJson } from '../files/parse-json';

/** A configuration lists some thousands of labels at most. */
const bounds: JsonBounds & { readonly bytes: number } = { bytes: 1 << 26, depth: 32, values: 1_000_000 };

/**
 * Read a configuration beside weights; nothing where there is no such file.
 *
 * @throws WeightsError if it cannot be read, or is no JSON object.
 */
export async function readJsonFile(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path);
    if (size > bounds.bytes) throw new SyntaxError(`has ${size} bytes, more than a configuration needs`);
    return parseJson(await readFile(path), bounds);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new WeightsError(`${path} ${error.message}. Download it again, or remove it.`, { cause: error });
    }
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new WeightsError(`Cannot read ${path}: ${(error as Error).message}. Check its permissions.`, { cause: error });
  }
}

/** JSON in a file's metadata; nothing where the text is something else, as other programs may have written. */
export function parseMetadata(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return parseJson(new TextEncoder().encode(text), bounds);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
