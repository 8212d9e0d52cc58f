import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import {
  centralDifferences,
  expectOutputAndGradients,
  type Operation,
  type Values,
} from '../../../tests/support/gradients';
import type { Tolerance } from '../../../tests/support/allclose';

/** Values written by tests/golden/primitives.py. */
interface Golden {
  readonly inputs: Readonly<Record<string, Values>>;
  readonly extra: Readonly<Record<string, Values>>;
  readonly output: Values;
  readonly dy: Values;
  readonly gradients: Readonly<Record<string, Values>>;
}

const path = new URL('../../../tests/golden/data/primitives.json', import.meta.url);
export const goldens = JSON.parse(readFileSync(path, 'utf8'));

/** No test imports the tfjs umbrella package: the primitives must bring all gradients themselves. */
export const backends = ['cpu', 'wasm'];

/** Compare with PyTorch on every backend. `extra` are the golden's inputs without a gradient. */
export async function expectGolden(
  name: string,
  operation: (inputs: tf.Tensor[], extra: tf.Tensor[]) => tf.Tensor,
  tolerance?: Tolerance,
): Promise<void> {
  const golden: Golden = goldens[name];
  for (const backend of backends) {
    await tf.setBackend(backend);
    const extra = Object.values(golden.extra).map(({ shape, data }) =>
      tf.tensor(Array.from(data), shape),
    );
    expectOutputAndGradients(
      (...inputs) => operation(inputs, extra),
      Object.values(golden.inputs),
      golden.dy,
      { output: golden.output, gradients: Object.values(golden.gradients) },
      tolerance,
    );
    tf.dispose(extra);
  }
}

/** A length from 1 to `max`. */
export const length = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });

/** Float32 numbers of magnitude `min` to 2, for a tensor of a shape. */
const values = (shape: number[], min: number): fc.Arbitrary<Values> => {
  const size = shape.reduce((n, m) => n * m, 1);
  const magnitude = fc.float({ min: Math.fround(min), max: 2, noNaN: true });
  const number = fc.tuple(magnitude, fc.boolean()).map(([x, negative]) => (negative ? -x : x));
  return fc.array(number, { minLength: size, maxLength: size }).map((data) => ({ shape, data }));
};

/**
 * Compare an operation with a float64 reference formula, its gradients with central differences of the
 * formula, over random shapes and values of magnitude `smallest` to 2.
 */
export async function expectFormula<Sizes>(
  sizes: fc.Arbitrary<Sizes>,
  problem: (sizes: Sizes) => {
    readonly inputs: number[][];
    readonly output: number[];
    readonly operation: Operation;
    readonly formula: (...inputs: number[][]) => number[];
  },
  { smallest = 0, ...tolerance }: Tolerance & { smallest?: number } = {},
): Promise<void> {
  await tf.setBackend('cpu');
  const cases = sizes
    .map(problem)
    .chain((fixed) =>
      fc.tuple(
        fc.constant(fixed),
        fc.tuple(...fixed.inputs.map((shape) => values(shape, smallest))),
        values(fixed.output, 0),
      ),
    );
  fc.assert(
    fc.property(cases, ([{ operation, formula }, inputs, dy]) => {
      expectOutputAndGradients(
        operation,
        inputs,
        dy,
        {
          output: { shape: dy.shape, data: formula(...inputs.map(({ data }) => Array.from(data))) },
          gradients: centralDifferences(formula, inputs, dy),
        },
        tolerance,
      );
    }),
    { numRuns: 50 },
  );
}
