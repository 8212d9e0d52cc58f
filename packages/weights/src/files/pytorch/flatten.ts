import { PickledName, type Pickled, PickleFault } from './unpickle';
import { PickledStorage, PickledTensor } from './view';

const maximumDepth = 100;
const maximumVisits = 1_000_000;
const maximumPathCharacters = 64_000_000;

/** The tensors and the other values of a pickle, by the dotted path that leads to them. */
export interface Flattened {
  readonly tensors: ReadonlyMap<string, PickledTensor>;
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * Join the keys of nested dicts with dots. Lists of plain values stay whole; other lists are numbered.
 *
 * @throws PickleFault if two paths are the same, or there are too many: a pickle may nest a value in itself.
 */
export function flatten(root: Pickled): Flattened {
  const tensors = new Map<string, PickledTensor>();
  const values = new Map<string, unknown>();
  let [visits, pathCharacters] = [0, 0];

  const add = (path: string, value: Pickled, depth: number): void => {
    if (depth > maximumDepth) throw new PickleFault(`it nests deeper than ${maximumDepth} levels`);
    visits += Array.isArray(value) ? 1 + value.length : 1;
    pathCharacters += path.length;
    if (visits > maximumVisits) throw new PickleFault(`it has more than ${maximumVisits} values`);
    if (pathCharacters > maximumPathCharacters) throw new PickleFault(`its names have more than ${maximumPathCharacters} characters`);
    const children = childrenOf(value);
    if (children !== undefined) {
      for (const [key, child] of children) add(path === '' ? String(key) : `${path}.${key}`, child, depth + 1);
      return;
    }
    if (tensors.has(path) || values.has(path)) throw new PickleFault(`it has two values called "${path}"`);
    if (value instanceof PickledTensor) tensors.set(path, value);
    else values.set(path, plain(value));
  };
  add('', root, 0);
  return { tensors, values };
}

function childrenOf(value: Pickled): Iterable<[unknown, Pickled]> | undefined {
  if (value instanceof Map) return value;
  if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null && !(item instanceof Uint8Array))) return value.entries();
  return undefined;
}

function plain(value: Pickled): unknown {
  if (value instanceof PickledName) return value.name;
  if (value instanceof PickledStorage) return `storage "${value.key}" of ${value.elements} ${value.dtype}`;
  return value;
}
