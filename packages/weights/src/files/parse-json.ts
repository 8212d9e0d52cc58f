/** Bounds that keep a JSON text from taking far more memory than its own length. */
export interface JsonBounds {
  /** How deep objects and lists may nest. */
  readonly depth: number;
  /** How many names and values there may be. */
  readonly values: number;
}

/**
 * Parse a JSON object, refusing what `JSON.parse` lets through: deep nesting, more values than
 * `bounds` allow, and names that occur twice in one object.
 *
 * @throws SyntaxError whose message goes on a sentence: "is not JSON (…)".
 */
export function parseJson(bytes: Uint8Array, bounds: JsonBounds): Record<string, unknown> {
  const names = checkBounds(bytes, bounds);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new SyntaxError(`is not JSON (${(error as Error).message})`, { cause: error });
  }
  if (!isRecord(parsed)) throw new SyntaxError('is not a JSON object');
  if (countNames(parsed) !== names) throw new SyntaxError('has a name twice');
  return parsed;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Count the colons outside strings, of which valid JSON has one per name. */
function checkBounds(bytes: Uint8Array, bounds: JsonBounds): number {
  let [depth, names, values, inString] = [0, 0, 0, false];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === colon) names++;
    else if (byte === comma) values++;
    else if (byte === openBrace || byte === openBracket) {
      values++;
      if (++depth > bounds.depth) throw new SyntaxError(`nests deeper than ${bounds.depth} levels`);
    } else if (byte === closeBrace || byte === closeBracket) depth--;
    if (names + values > bounds.values) throw new SyntaxError(`has more than ${bounds.values} names and values`);
  }
  return names;
}

function countNames(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countNames(item), 0);
  if (!isRecord(value)) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + countNames(item), 0);
}

const [quote, backslash, colon, comma, openBrace, closeBrace, openBracket, closeBracket] = new TextEncoder().encode('"\\:,{}[]');
