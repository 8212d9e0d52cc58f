import { createRandom, type Distribution, drawFloats, type RandomState } from '@dinov2/primitives';
import type { HostArray, ParameterShapes } from './parameters';

/** What a tensor begins with: draws of a distribution, one number everywhere, or these numbers. */
export type InitialValues = Distribution | { readonly constant: number } | { readonly list: readonly number[] };

/** A tensor before it is filled. */
export interface InitialArray {
  readonly shape: readonly number[];
  readonly values: InitialValues;
  /** Where its own random stream begins, for draws. */
  readonly state: RandomState;
}

/** Arrays of the given shapes, each with its own stream of the seed. */
export function planArrays(
  shapes: ParameterShapes,
  seed: number,
  valuesOf: (name: string) => InitialValues,
): Record<string, InitialArray> {
  const root = createRandom(seed);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { shape, values: valuesOf(name), state: root.fork(name).state() }]),
  );
}

/** Fill an array. It depends on no other. */
export function makeArray({ shape, values, state }: InitialArray): HostArray {
  const length = shape.reduce((a, b) => a * b, 1);
  if ('constant' in values) return { data: new Float32Array(length).fill(values.constant), shape };
  if ('list' in values) return { data: Float32Array.from(values.list), shape };
  return { data: drawFloats(length, values, state), shape };
}

export function makeArrays(arrays: Readonly<Record<string, InitialArray>>): Record<string, HostArray> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, makeArray(array)]));
}
