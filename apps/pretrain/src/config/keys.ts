import { closest, distance } from 'fastest-levenshtein';
import { settingsSchema } from './schema';

export type Tree = { [key: string]: unknown };

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every key that holds a value, dotted: `optimizer.baseLearningRate`. */
export const knownKeys: readonly string[] = leaves(settingsSchema.parse({}));

/** Dotted paths of the values of a tree. */
function leaves(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? leaves(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

/**
 * The known key that an unknown one was probably meant to be: a key of that last name in another
 * section, or the one with the fewest letters to change. `undefined` if nothing is near.
 */
export function suggestKey(unknown: string): string | undefined {
  const last = (key: string) => key.slice(key.lastIndexOf('.') + 1);
  const sections = [...new Set(knownKeys.flatMap((key) => key.split('.').slice(0, -1).map((_, i, parts) => parts.slice(0, i + 1).join('.'))))];
  const candidates = [...knownKeys, ...sections];
  const sameName = candidates.find((key) => last(key).toLowerCase() === last(unknown).toLowerCase());
  if (sameName !== undefined) return sameName;
  const byPath = closest(unknown, candidates);
  if (distance(unknown, byPath) <= Math.max(2, unknown.length / 4)) return byPath;
  const byName = closest(last(unknown), candidates.map(last));
  if (distance(last(unknown), byName) <= Math.max(2, last(unknown).length / 3)) {
    return candidates.find((key) => last(key) === byName);
  }
  return undefined;
}
