import { WeightsError } from '../errors';
import type { Dtype, WeightData } from './dtypes';

/** Element type and shape of a tensor in a file. */
export interface TensorEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A tensor of a file. `F16` and `BF16` are widened to float32, `F64` is rounded to it; `dtype` is the file's. */
export interface StoredTensor extends TensorEntry {
  readonly data: WeightData;
}

/** An open file of weights: names, types and shapes are read and checked, values are read when asked for. */
export interface WeightsFile {
  readonly path: string;
  readonly format: 'safetensors' | 'pytorch';
  /** Types and shapes by tensor name. Nested dicts of a `.pth` file are joined with dots. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** The text that a safetensors file carries beside its tensors. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What a `.pth` file holds beside tensors: numbers, strings, booleans, `null`, bytes and lists of them. */
  readonly values: ReadonlyMap<string, unknown>;
  /**
   * Read one tensor into an array of its own.
   *
   * @throws WeightsError if there is no such tensor, or its bytes are damaged.
   */
  read(name: string): Promise<StoredTensor>;
  /**
   * Read one tensor of any type as float32 into `target`, from element `offset` on, in row-major order.
   *
   * @throws WeightsError if there is no such tensor, it does not fit, or its bytes are damaged;
   * the target's elements are then undefined.
   */
  readInto(name: string, target: Float32Array, offset?: number): Promise<void>;
  close(): Promise<void>;
}

export const elementsOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The entry of a name, or an error with some of the names there are. */
export function entryOf<T extends TensorEntry>(path: string, entries: ReadonlyMap<string, T>, name: string): T {
  const entry = entries.get(name);
  if (entry === undefined) throw new WeightsError(`${path} has no tensor "${name}"; it has ${listSome([...entries.keys()])}.`);
  return entry;
}

/** The part of `target` that a tensor goes to. */
export function targetOf(path: string, name: string, { shape }: TensorEntry, target: Float32Array, offset: number): Float32Array {
  const elements = elementsOf(shape);
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + elements > target.length) {
    throw new WeightsError(
      `Tensor "${name}" of ${path} has shape [${shape}], ${elements} elements, which do not fit ` +
        `at offset ${offset} into an array of ${target.length}.`,
    );
  }
  return target.subarray(offset, offset + elements);
}

export function listSome(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.slice(0, 5).map((name) => `"${name}"`).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}
