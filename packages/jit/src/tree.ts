import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorSpec } from '@dinov2/primitives';
import type { DeviceArray } from './engine';
import type { TypedArray } from './graph';

/** Values on the host with their shape. Float32Array is float32, Int32Array int32, Uint8Array bool. */
export interface HostArray {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

/** What may stand at the leaves of a tree of nested arrays and records. */
export type Leaf = Tensor | DeviceArray | HostArray | TensorSpec | number;

/** The tree type `T` with every leaf replaced by `U`. */
export type MapLeaves<T, U> = T extends Leaf ? U : T extends object ? { [K in keyof T]: MapLeaves<T[K], U> } : T;

/** Union of the leaf types in a tree type. */
export type LeavesOf<T> = T extends Leaf
  ? T
  : T extends readonly (infer E)[]
    ? LeavesOf<E>
    : T extends object
      ? { [K in keyof T]: LeavesOf<T[K]> }[keyof T]
      : never;

/** Keys and positions from the root of a tree to a leaf. */
export type Path = readonly (string | number)[];

/** A tree without its leaves. `null` and `undefined` are trees with no leaf. */
export type TreeStructure =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'empty'; readonly value: null | undefined }
  | { readonly kind: 'array'; readonly children: readonly TreeStructure[] }
  | { readonly kind: 'record'; readonly keys: readonly string[]; readonly children: readonly TreeStructure[] };

export interface FlatTree<L> {
  /** In order: arrays by position, records by sorted key, whatever order their keys were added in. */
  readonly leaves: L[];
  readonly paths: Path[];
  readonly structure: TreeStructure;
}

/** `name.key["odd key"][0]` */
export function formatPath(path: Path, root: string): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return root + steps.join('');
}

type PlainRecord = Readonly<Record<string, unknown>>;

/** A record of the tree; `{data, shape}` and `{shape, dtype}` are leaves, and so is any class instance. */
function isRecord(x: unknown): x is PlainRecord {
  if (typeof x !== 'object' || x === null) return false;
  const prototype: unknown = Object.getPrototypeOf(x);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const { shape, data, dtype } = x as PlainRecord;
  const hasShape = Array.isArray(shape) && shape.every((d) => typeof d === 'number');
  return !(hasShape && (typeof dtype === 'string' || ArrayBuffer.isView(data)));
}

const leaf: TreeStructure = { kind: 'leaf' };

/** Take a tree apart into its leaves, in a stable order, and its structure. */
export function flattenTree<T, L = LeavesOf<T>>(tree: T): FlatTree<L> {
  const leaves: L[] = [];
  const paths: Path[] = [];
  const walk = (node: unknown, path: Path): TreeStructure => {
    if (node === null || node === undefined) return { kind: 'empty', value: node };
    if (Array.isArray(node)) {
      return { kind: 'array', children: node.map((child, i) => walk(child, [...path, i])) };
    }
    if (isRecord(node)) {
      const keys = Object.keys(node).sort();
      return { kind: 'record', keys, children: keys.map((key) => walk(node[key], [...path, key])) };
    }
    leaves.push(node as L);
    paths.push(path);
    return leaf;
  };
  return { structure: walk(tree, []), leaves, paths };
}

/** Put leaves, in the order of {@link flattenTree}, back into a tree. Throws if their number does not fit. */
export function unflattenTree<T = unknown>(structure: TreeStructure, leaves: readonly unknown[]): T {
  let used = 0;
  const build = (node: TreeStructure): unknown => {
    switch (node.kind) {
      case 'empty':
        return node.value;
      case 'array':
        return node.children.map(build);
      case 'record': {
        const entries = node.children.map((child, i) => [node.keys[i], build(child)] as const);
        return Object.fromEntries(entries);
      }
      case 'leaf':
        if (used === leaves.length) throw new RangeError(`unflattenTree: ${leaves.length} leaves are too few for the tree.`);
        return leaves[used++];
    }
  };
  const tree = build(structure);
  if (used < leaves.length) throw new RangeError(`unflattenTree: ${leaves.length} leaves for a tree that holds ${used}.`);
  return tree as T;
}

/** A tree of the same structure with `fn` of every leaf; `path` is written from the root, e.g. `.params["a.b"][0]`. */
export function mapTree<T, U>(tree: T, fn: (leaf: LeavesOf<T>, path: string) => U): MapLeaves<T, U> {
  const { leaves, paths, structure } = flattenTree(tree);
  return unflattenTree(
    structure,
    leaves.map((value, i) => fn(value, formatPath(paths[i], ''))),
  );
}

/** Text that is equal for equal structures. */
export function structureKey(structure: TreeStructure): string {
  switch (structure.kind) {
    case 'leaf':
      return '*';
    case 'empty':
      return '-';
    case 'array':
      return `[${structure.children.map(structureKey).join(',')}]`;
    case 'record':
      return `{${structure.children.map((c, i) => `${JSON.stringify(structure.keys[i])}:${structureKey(c)}`).join(',')}}`;
  }
}
