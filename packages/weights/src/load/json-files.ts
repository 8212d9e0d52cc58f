import { WeightsError } from '../errors';
import { type JsonBounds, parseJson } from '../files/parse-json';
import { openFile } from '../files/random-access-file';

/** A configuration lists some thousands of labels at most. */
const bounds: JsonBounds & { readonly bytes: number } = { bytes: 1 << 26, depth: 32, values: 1_000_000 };

/**
 * Read a configuration beside weights; nothing where there is no such file.
 *
 * @throws WeightsError if it cannot be read, or is no JSON object.
 */
export async function readJsonFile(path: string): Promise<unknown> {
  // A link may lead to a device, which has no end.
  const file = await openFile(path).catch((error: WeightsError) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    if (file.size > bounds.bytes) throw new SyntaxError(`has ${file.size} bytes, more than a configuration needs`);
    const bytes = new Uint8Array(file.size);
    await file.read(bytes, 0);
    return parseJson(bytes, bounds);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new WeightsError(`${path} ${error.message}. Download it again, or remove it.`, { cause: error });
  } finally {
    await file.close();
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
