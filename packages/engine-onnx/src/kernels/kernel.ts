import type { Node } from '@dinov2/jit';
import type { KernelExports } from '../generated/kernels';

/** Byte offsets into the module's memory. */
interface KernelPointers {
  /** One per input that is present, in the order of `node.inputs`. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Start of `scratchBytes(node)` bytes; unused if that is 0. */
  readonly scratch: number;
}

/** A hand-written WebAssembly implementation of one graph op. */
export interface SimdKernel {
  readonly name: string;
  /** Whether this node's types, shapes and attributes are ones the kernel handles. */
  supports(node: Node): boolean;
  /** Pairs that may share memory if their sizes are equal. */
  readonly inPlace: ReadonlyArray<readonly [input: number, output: number]>;
  scratchBytes(node: Node): number;
  run(exports: KernelExports, node: Node, pointers: KernelPointers): void;
}

interface KernelOptions {
  readonly name: string;
  readonly run: SimdKernel['run'];
  readonly supports?: SimdKernel['supports'];
  readonly inPlace?: SimdKernel['inPlace'];
  readonly scratchBytes?: SimdKernel['scratchBytes'];
}

/** A kernel that needs no scratch, shares no memory and takes float32 unless it says otherwise. */
export function kernel(options: KernelOptions): SimdKernel {
  return { supports: allFloat32, inPlace: [], scratchBytes: () => 0, ...options };
}

export const allFloat32 = (node: Node): boolean =>
  [...Object.values(node.inputs), ...node.outputs].every((value) => value.dtype === 'float32');

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

/** Number of elements of the first input. */
export const elements = (node: Node): number => sizeOf(Object.values(node.inputs)[0].shape);

/** Rows and length of the last axis of a shape. */
export function rowsOf(shape: readonly number[]): [rows: number, columns: number] {
  const columns = shape[shape.length - 1] ?? 1;
  return [sizeOf(shape.slice(0, -1)), columns];
}

export const numberOf = (node: Node, attribute: string): number => node.attributes[attribute] as number;

/** Offset of an input by name, 0 where it is absent. */
export function pointerNamed(node: Node, pointers: readonly number[], name: string): number {
  const index = Object.keys(node.inputs).indexOf(name);
  return index < 0 ? 0 : pointers[index];
}
