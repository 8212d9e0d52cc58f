import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { formatGraph } from '../format-graph';
import type { Graph } from '../graph';
import { trace } from '../trace/trace';
import { shareCommonSubexpressions } from './common-subexpressions';
import { foldConstants } from './constant-folding';
import { removeDeadCode } from './dead-code';
import { optimize } from './index';
import { simplify } from './simplify';

const spec = (shape: number[]) => ({ shape, dtype: 'float32' as const });
const graphOf = (fn: (...x: tf.Tensor[]) => tf.Tensor | tf.Tensor[], ...shapes: number[][]): Graph =>
  trace(shapes.map(spec), (tensors) => fn(...tensors)).graph;
const opsOf = (graph: Graph) => graph.nodes.map(({ op }) => op);
const constantsOf = (graph: Graph) => [...graph.constants.values()].map((data) => [...data]);

describe('removeDeadCode', () => {
  it('drops nodes and constants without a reader, keeps inputs', () => {
    const graph = removeDeadCode(graphOf((x, y) => (tf.add(tf.exp(y), 3), tf.neg(x)), [2], [2]));
    expect(opsOf(graph)).toEqual(['Neg']);
    expect(graph.constants.size).toBe(0);
    expect(graph.inputs).toHaveLength(2);
  });
});

describe('shareCommonSubexpressions', () => {
  it('merges equal calls and equal constants, and no others', () => {
    const graph = removeDeadCode(
      shareCommonSubexpressions(
        graphOf((x) => [tf.mul(tf.add(x, 2), tf.add(x, 2)), tf.sum(x, 0), tf.sum(x, 1), tf.pad(x, [[0, 1], [0, 0]], NaN), tf.pad(x, [[0, 1], [0, 0]], Infinity)], [2, 2]),
      ),
    );
    expect(opsOf(graph)).toEqual(['Add', 'Multiply', 'Sum', 'Sum', 'PadV2', 'PadV2']);
    expect(graph.constants.size).toBe(1);
  });
});

describe('simplify', () => {
  const simplified = (fn: (x: tf.Tensor) => tf.Tensor, shape: number[]) => opsOf(removeDeadCode(simplify(simplify(graphOf(fn, shape)))));

  it.each<[string, (x: tf.Tensor) => tf.Tensor, string[]]>([
    ['a reshape of a reshape', (x) => tf.reshape(tf.reshape(x, [6]), [3, 2]), ['Reshape']],
    ['reshapes that cancel', (x) => tf.reshape(tf.reshape(x, [6]), [2, 3]), []],
    ['transposes that cancel', (x) => tf.transpose(tf.transpose(x)), []],
    ['a transpose that moves only axes of size 1', (x) => tf.transpose(tf.expandDims(x, 0), [1, 0, 2]), ['Reshape']],
    ['a cast to the same type', (x) => tf.cast(x, 'float32'), []],
    ['times one', (x) => tf.mul(x, 1), []],
    ['divided by one', (x) => tf.div(x, 1), []],
    ['plus zero', (x) => tf.add(0, x), []],
    ['minus zero', (x) => tf.sub(x, 0), []],
    ['times ones of the same shape', (x) => tf.mul(x, tf.ones([2, 3])), []],
    ['minus minus', (x) => tf.neg(tf.neg(x)), []],
    ['a slice of everything', (x) => tf.slice(x, [0, 0], [2, 3]), []],
    ['padding by nothing', (x) => tf.pad(x, [[0, 0], [0, 0]]), []],
    ['a concat of one', (x) => tf.concat([x], 0), []],
    ['a tile by one', (x) => tf.tile(x, [1, 1]), []],
    ['a sum over an axis of size 1', (x) => tf.sum(tf.reshape(x, [2, 1, 3]), 1), []],
    ['repeating before broadcasting', (x) => tf.mul(x, tf.tile(tf.sum(x, 0, true), [2, 1])), ['Sum', 'Multiply']],
    ['one divided by x stays', (x) => tf.div(1, x), ['RealDiv']],
    ['zero minus x stays', (x) => tf.sub(0, x), ['Sub']],
    ['times zero stays, for NaN', (x) => tf.mul(x, 0), ['Multiply']],
    ['a cast to int32 stays', (x) => tf.cast(tf.cast(x, 'int32'), 'float32'), ['Cast', 'Cast']],
  ])('%s', (_, fn, expected) => {
    expect(simplified(fn, [2, 3])).toEqual(expected);
  });
});

describe('foldConstants', () => {
  it('computes arithmetic on filled tensors, rounded to float32', () => {
    const graph = removeDeadCode(foldConstants(graphOf((x) => tf.add(x, tf.div(tf.scalar(1), tf.sqrt(tf.scalar(3)))), [2])));
    expect(opsOf(graph)).toEqual(['Add']);
    // sqrt(3) is rounded to float32 before the division, as a kernel would store it.
    expect(constantsOf(graph)).toEqual([[Math.fround(1 / Math.fround(Math.sqrt(3)))]]);
  });

  it('writes sequences out as tfjs computes them', async () => {
    await tf.setBackend('cpu');
    const fns = [() => tf.range(0, 1, 0.1), () => tf.range(5, 0), () => tf.range(3, -4, -2, 'int32'), () => tf.linspace(-1, 2, 7)];
    for (const fn of fns) {
      const graph = foldConstants(graphOf(fn));
      const expected = fn();
      expect(constantsOf(graph)).toEqual([[...expected.dataSync()]]);
      expect(graph.outputs[0].shape).toEqual(expected.shape);
      expected.dispose();
    }
  });

  it('leaves large sequences and large fills to the engine', () => {
    const graph = foldConstants(graphOf(() => [tf.range(0, 5000), tf.mul(tf.fill([100, 100], 2), tf.fill([100], 3))]));
    expect(opsOf(removeDeadCode(graph))).toEqual(['Range', 'Fill']);
  });
});

it('leaves little of the gradient of a mean', () => {
  const graph = optimize(
    graphOf((x) => tf.grad((y) => tf.mean(tf.square(y)) as tf.Scalar)(x), [3, 2]),
  );
  // 1/6 · 2x, in the order in which tfjs multiplies.
  expect(formatGraph(graph)).toMatchInlineSnapshot(`
    "graph(%0: float32[3,2])
      %10: float32[] = constant(2)
      %16: float32[] = constant(0.166667)
      %11: float32[3,2] = Multiply(a=%0, b=%10)
      %17: float32[3,2] = Multiply(a=%16, b=%11)
      return %17"
  `);
});
