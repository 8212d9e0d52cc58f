import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parse, parseDocument, type YAMLMap } from 'yaml';
import { PretrainError } from '../error';
import { isTree, type Tree } from './keys';

/** Some settings and where each of them stands, for error messages. */
export interface Layer {
  readonly values: Tree;
  /** Place of a dotted key, e.g. `recipes/cpu-tiny.yaml:12`. */
  place(key: string): string;
}

/** A YAML file. Throws on text that is no YAML mapping, naming the line. */
export function fileLayer(path: string, name: string = path): Layer {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new PretrainError(`cannot read the configuration ${name}; check the path, or name one of the recipes`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const error = document.errors[0];
  if (error !== undefined) {
    throw new PretrainError(`${name}:${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`);
  }
  const values: unknown = document.toJS() ?? {};
  if (!isTree(values)) throw new PretrainError(`${name}: expected keys and values, such as "batchSize: 32"`);

  const places = new Map<string, number>();
  const visit = (map: YAMLMap, prefix: string) => {
    for (const { key, value } of map.items) {
      if (!isScalar(key)) continue;
      const dotted = `${prefix}${String(key.value)}`;
      places.set(dotted, lines.linePos(key.range?.[0] ?? 0).line);
      if (isMap(value)) visit(value, `${dotted}.`);
    }
  };
  if (isMap(document.contents)) visit(document.contents, '');
  return { values, place: (key) => (places.has(key) ? `${name}:${places.get(key)}` : name) };
}

/** `key=value` words of the command line; values are YAML, so `k=[1, 5]` and `1e-3` work. */
export function overrideLayer(words: readonly string[]): Layer {
  const values: Tree = {};
  const places = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals < 1) {
      throw new PretrainError(`"${word}" is no option and no key=value; see --help`);
    }
    const key = word.slice(0, equals);
    let value: unknown;
    try {
      value = parse(word.slice(equals + 1));
    } catch {
      throw new PretrainError(`the value of "${word}" cannot be read; quote it as YAML, such as 'knn.k=[10, 20]'`);
    }
    setKey(values, key, value);
    places.set(key, word);
  }
  return { values, place: (key) => `"${places.get(key) ?? [...places].find(([name]) => name.startsWith(`${key}.`))?.[1] ?? key}" on the command line` };
}

/** Values that came from options such as `--batch-size 8`, by dotted key. */
export function optionLayer(options: ReadonlyMap<string, { value: unknown; option: string }>): Layer {
  const values: Tree = {};
  for (const [key, { value }] of options) setKey(values, key, value);
  return { values, place: (key) => options.get(key)?.option ?? key };
}

function setKey(tree: Tree, key: string, value: unknown): void {
  const parts = key.split('.');
  const last = parts.pop()!;
  let section = tree;
  for (const part of parts) {
    const inner = section[part];
    section = (isTree(inner) ? inner : (section[part] = {})) as Tree;
  }
  section[last] = value;
}
