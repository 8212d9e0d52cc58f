import * as tf from '@tensorflow/tfjs-core';
import { expectAllclose, type Tolerance } from './allclose';

/** Values of one tensor with its shape. */
export interface Values {
  readonly shape: number[];
  readonly data: ArrayLike<number>;
}

export type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

const toTensor = ({ shape, data }: Values): tf.Tensor => tf.tensor(Float32Array.from(data), shape);

const magnitude = (data: ArrayLike<number>): number =>
  Array.from(data).reduce((max, value) => Math.max(max, Math.abs(value)), 0);

function withoutReads<T>(run: () => T): T {
  const engine = tf.engine();
  const { readSync, read } = engine;
  engine.readSync = engine.read = () => {
    throw new Error('A value was read on the host.');
  };
  try {
    return run();
  } finally {
    Object.assign(engine, { readSync, read });
  }
}

/**
 * Check an operation's output and the gradients of Σ dy · output on the current backend, and that neither
 * leaves tensors behind or reads values on the host, which no traced function can. `atol` is in units of the largest expected value, or of 1 where
 * that is less, because sums of float32 numbers round in proportion to their largest term.
 */
export function expectOutputAndGradients(
  operation: Operation,
  inputs: readonly Values[],
  dy: Values,
  expected: { readonly output: Values; readonly gradients: readonly Values[] },
  { rtol = 1e-5, atol = 1e-6 }: Tolerance = {},
): void {
  const compare = (actual: tf.Tensor, values: Values, what: string): void => {
    if (actual.shape.join() !== values.shape.join()) {
      throw new Error(`${what} has shape [${actual.shape}], expected [${values.shape}].`);
    }
    try {
      expectAllclose(actual.dataSync(), values.data, {
        rtol,
        atol: atol * Math.max(magnitude(values.data), 1),
      });
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  };
  const tensors = inputs.map(toTensor);
  const cotangent = toTensor(dy);
  const before = tf.memory().numTensors;
  const expectTensors = (count: number, what: string): void => {
    const extra = tf.memory().numTensors - before - count;
    if (extra !== 0) throw new Error(`${what} left ${extra} tensors behind.`);
  };

  const output = withoutReads(() => operation(...tensors));
  expectTensors(1, 'The call');
  compare(output, expected.output, 'Output');
  output.dispose();

  const gradients = withoutReads(() => tf.grads(operation)(tensors, cotangent));
  expectTensors(tensors.length, 'The gradient');
  expected.gradients.forEach((values, i) => compare(gradients[i], values, `Gradient ${i}`));
  tf.dispose([gradients, tensors, cotangent]);
}

/**
 * Gradients of Σ dy · reference(inputs) by central differences in float64, exact to about 1e-8 for functions
 * of ordinary curvature: truncation h² and rounding 1e-16/h meet near h = 1e-5.
 */
export function centralDifferences(
  reference: (...inputs: number[][]) => number[],
  inputs: readonly Values[],
  dy: Values,
  h = 1e-5,
): Values[] {
  const arrays = inputs.map(({ data }) => Array.from(data));
  const loss = (): number => {
    const output = reference(...arrays);
    return output.reduce((sum, value, i) => sum + value * dy.data[i], 0);
  };
  return inputs.map(({ shape }, input) => {
    const array = arrays[input];
    const data = array.map((value, i) => {
      array[i] = value + h;
      const above = loss();
      array[i] = value - h;
      const below = loss();
      array[i] = value;
      return (above - below) / (2 * h);
    });
    return { shape, data };
  });
}
