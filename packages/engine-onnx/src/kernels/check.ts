import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { Node, TypedArray, Value } from '@dinov2/jit';
import { type Attributes, createRandom, primitives, type TensorSpec } from '@dinov2/primitives';
import { expect } from 'vitest';
import { expectAllclose, type Tolerance } from '../../../../tests/support/allclose';
import { instantiate, RESERVED_BYTES, simdKernels } from './index';

export interface HostTensor {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

// 3 GiB of address space, of which only the touched pages are real.
const memory = new WebAssembly.Memory({ initial: 49152 });
const wasm = instantiate(memory);
const low = RESERVED_BYTES;
const high = 2 ** 31 + RESERVED_BYTES;

const random = createRandom(17);

/** Normally distributed float32 values. */
export function normal(shape: readonly number[], scale = 1): HostTensor {
  const data = new Float32Array(shape.reduce((n, length) => n * length, 1));
  for (let i = 0; i < data.length; i++) data[i] = scale * random.normal();
  return { data, shape };
}

export const float32 = (values: readonly number[], shape: readonly number[] = [values.length]): HostTensor => ({
  data: Float32Array.from(values),
  shape,
});

export const int32 = (values: readonly number[]): HostTensor => ({
  data: Int32Array.from(values),
  shape: [values.length],
});

const dtypeOf = (data: TypedArray): Value['dtype'] => (data instanceof Int32Array ? 'int32' : 'float32');

export function nodeOf(
  op: string,
  inputs: Readonly<Record<string, HostTensor>>,
  attributes: Attributes,
  outputs: readonly TensorSpec[],
): Node {
  let id = 0;
  const value = (spec: TensorSpec): Value => ({ id: id++, ...spec });
  return {
    op,
    attributes,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => [name, value({ shape, dtype: dtypeOf(data) })]),
    ),
    outputs: outputs.map(value),
  };
}

interface RunOptions {
  readonly base?: number;
  /** Outputs that are given the memory of an input. */
  readonly aliases?: ReadonlyArray<readonly [input: number, output: number]>;
}

const guard = 64;
const canary = 0x5a;

/** Run a kernel; fails if it writes outside its outputs or changes an input that is not aliased. Integers come as float32. */
export function runKernel(
  node: Node,
  inputs: Readonly<Record<string, HostTensor>>,
  { base = low, aliases = [] }: RunOptions = {},
): Float32Array[] {
  const kernel = simdKernels.get(node.op)!;
  expect(kernel.supports(node)).toBe(true);
  let end = base;
  const allocate = (bytes: number): number => {
    const at = end + guard;
    end = at + bytes + guard;
    return at;
  };
  const hosts = Object.values(inputs);
  const inputAt = hosts.map(({ data }) => allocate(data.byteLength));
  const bytesOf = (value: Value): number => 4 * value.shape.reduce((n, length) => n * length, 1);
  const outputAt = node.outputs.map((value, output) => {
    const alias = aliases.find(([, index]) => index === output);
    return alias === undefined ? allocate(bytesOf(value)) : inputAt[alias[0]];
  });
  const scratchBytes = kernel.scratchBytes(node);
  const scratch = allocate(scratchBytes);
  const bytes = new Uint8Array(memory.buffer, base, end - base);
  bytes.fill(canary);
  hosts.forEach(({ data }, i) => bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), inputAt[i] - base));

  kernel.run(wasm, node, { inputs: inputAt, outputs: outputAt, scratch });

  const results = node.outputs.map((value, i) => {
    const values = value.dtype === 'int32' ? Int32Array : Float32Array;
    return Float32Array.from(new values(memory.buffer, outputAt[i], bytesOf(value) / 4));
  });
  const written: [at: number, size: number][] = [
    ...node.outputs.map((value, i): [number, number] => [outputAt[i], bytesOf(value)]),
    [scratch, scratchBytes],
  ];
  hosts.forEach(({ data }, i) => {
    const size = data.byteLength;
    if (aliases.every(([input]) => input !== i)) {
      const now = Buffer.from(memory.buffer, inputAt[i], size);
      expect(now.equals(Buffer.from(data.buffer, data.byteOffset, size)), `input ${i} unchanged`).toBe(true);
    }
    written.push([inputAt[i], size]);
  });
  for (const [at, size] of written) bytes.fill(canary, at - base, at - base + size);
  expect(bytes.every((byte) => byte === canary), 'writes stay inside the outputs').toBe(true);
  return results;
}

/**
 * A primitive's kernel against its fallback on the tfjs CPU backend: at low and high addresses, and
 * in place for every allowed pair whose sizes agree.
 */
export async function checkPrimitive(
  op: string,
  inputs: Readonly<Record<string, HostTensor>>,
  attributes: Attributes,
  tolerance: Tolerance,
): Promise<void> {
  const definition = primitives.get(op)!;
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => [name, { shape, dtype: dtypeOf(data) }]),
  );
  const outputs = definition.infer(specs, attributes);
  await tf.setBackend('cpu');
  const expected = tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape], dtypeOf(data) as 'float32')]),
    );
    return definition.fallback(tensors, attributes).map((tensor) => tensor.dataSync() as Float32Array);
  });
  checkKernel(nodeOf(op, inputs, attributes, outputs), inputs, expected, tolerance);
}

/** A kernel against given values: at low and high addresses, and in place wherever that is allowed. */
export function checkKernel(
  node: Node,
  inputs: Readonly<Record<string, HostTensor>>,
  expected: ReadonlyArray<ArrayLike<number>>,
  tolerance: Tolerance,
): void {
  const apart = runKernel(node, inputs);
  apart.forEach((actual, i) => expectAllclose(actual, expected[i], tolerance));
  expect(runKernel(node, inputs, { base: high })).toEqual(apart);
  const hosts = Object.values(inputs);
  for (const pair of simdKernels.get(node.op)!.inPlace) {
    const [input, output] = pair;
    const size = hosts[input]?.data.length;
    if (size === apart[output].length) expect(runKernel(node, inputs, { aliases: [pair] })).toEqual(apart);
  }
}
