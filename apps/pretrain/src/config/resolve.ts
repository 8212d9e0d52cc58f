import type { z } from 'zod';
import { PretrainError } from '../error';
import { isTree, suggestKey, type Tree } from './keys';
import type { Layer } from './layer';
import { settingsSchema, type Settings } from './schema';

/**
 * Lay `layers` over each other, later ones on top, and validate the whole.
 *
 * @throws PretrainError naming every unknown key and every value that does not fit, with its place.
 */
export function resolveSettings(layers: readonly Layer[]): Settings {
  const merged = layers.reduce<Tree>((below, layer) => merge(below, layer.values), {});
  const result = settingsSchema.safeParse(merged);
  if (result.success) return result.data;
  const place = (key: string) => layers.findLast((layer) => has(layer.values, key))?.place(key) ?? key;
  throw new PretrainError(result.error.issues.flatMap((issue) => explain(issue, place)).join('\n'));
}

function explain(issue: z.core.$ZodIssue, place: (key: string) => string): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const dotted = [...path, key].join('.');
      const suggestion = suggestKey(dotted);
      const hint = suggestion === undefined ? 'see `dinov2-pretrain --help` for the keys' : `did you mean "${suggestion}"?`;
      return `${place(dotted)}: unknown key "${dotted}"; ${hint}`;
    });
  }
  // An entry of a list is named by the list: that is where it stands.
  const key = path.filter((part) => !/^\d+$/.test(part)).join('.');
  const got = issue.input === undefined ? '' : ` (got ${JSON.stringify(issue.input)})`;
  return [`${place(key)}: ${key}: ${issue.message}${got}`];
}

function merge(below: Tree, above: Tree): Tree {
  const result: Tree = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = below[key];
    result[key] = isTree(value) && isTree(under) ? merge(under, value) : value;
  }
  return result;
}

function has(tree: Tree, key: string): boolean {
  let here: unknown = tree;
  for (const part of key.split('.')) {
    if (!isTree(here) || !(part in here)) return false;
    here = here[part];
  }
  return true;
}
