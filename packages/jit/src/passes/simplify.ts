import { elements, type Graph, type Node, typedArray, type Value } from '../graph';
import { rewrite, type Rewriting } from './rewrite';
import { uniformValue } from './uniform';

type Rule = (node: Node, rewriting: Rewriting) => Value | undefined;

const same = (a: readonly unknown[], b: readonly unknown[]) => a.length === b.length && a.every((x, i) => x === b[i]);

const sameShape = (a: Value, b: Value) => same(a.shape, b.shape);

const reshaped = (x: Value, output: Value, rewriting: Rewriting): Value =>
  sameShape(x, output) && x.dtype === output.dtype
    ? x
    : rewriting.node('Reshape', { x }, { shape: output.shape }, [output])[0];

/** Ops that leave a tensor as it is whenever they do not change its shape. */
const ifSameShape: Rule = ({ inputs, outputs: [y] }) => {
  const [x] = Object.values(inputs);
  return sameShape(x, y) && x.dtype === y.dtype ? x : undefined;
};

const reshape: Rule = (node, rewriting) => {
  const [x] = Object.values(node.inputs);
  const [y] = node.outputs;
  if (sameShape(x, y)) return x;
  const inner = rewriting.producer(x);
  if (inner?.op === 'Reshape') return reshaped(inner.inputs.x, y, rewriting);
  return node.op === 'Reshape' ? undefined : reshaped(x, y, rewriting);
};

const transpose: Rule = ({ inputs: { x }, attributes, outputs: [y] }, rewriting) => {
  const perm = attributes.perm as number[];
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || moved[i - 1] < axis)) return reshaped(x, y, rewriting);
  const inner = rewriting.producer(x);
  if (inner?.op !== 'Transpose') return undefined;
  const first = inner.attributes.perm as number[];
  return rewriting.node('Transpose', { x: inner.inputs.x }, { perm: perm.map((axis) => first[axis]) }, [y])[0];
};

/** A reduction over axes of size 1 moves no value. */
const reduction: Rule = ({ inputs: { x }, outputs: [y] }, rewriting) =>
  elements(x) === elements(y) && x.dtype === y.dtype ? reshaped(x, y, rewriting) : undefined;

/** `side` of a binary op and the number that makes it return the other side. */
const neutral: Readonly<Record<string, readonly (readonly [side: 'a' | 'b', number])[]>> = {
  // x + 0 turns -0 into 0, which compares equal.
  Add: [['a', 0], ['b', 0]],
  Multiply: [['a', 1], ['b', 1]],
  RealDiv: [['b', 1]],
  Sub: [['b', 0]],
};

/** `x` repeated to the shape of `y`. */
function repeated(x: Value, y: Value, rewriting: Rewriting): Value {
  const missing = y.shape.length - x.shape.length;
  const shape = [...new Array<number>(missing).fill(1), ...x.shape];
  const same = reshaped(x, { ...x, shape }, rewriting);
  return rewriting.node('Tile', { x: same }, { reps: y.shape.map((d, i) => d / shape[i]) }, [y])[0];
}

/** The smaller tensor that a value repeats as broadcasting would, if it does. */
function unrepeated(value: Value, rewriting: Rewriting): Value | undefined {
  const node = rewriting.producer(value);
  if (node?.op !== 'Tile') return undefined;
  const { x } = node.inputs;
  return x.shape.every((d, i) => d === 1 || d === value.shape[i]) ? x : undefined;
}

const arithmetic: Rule = (node, rewriting) => {
  const [y] = node.outputs;
  for (const [side, number] of neutral[node.op] ?? []) {
    const other = node.inputs[side === 'a' ? 'b' : 'a'];
    if (other.dtype !== y.dtype || !Object.is(uniformValue(node.inputs[side], rewriting), number)) continue;
    // The gradient of a sum multiplies by ones only to repeat.
    return sameShape(other, y) ? other : elements(y) > 0 ? repeated(other, y, rewriting) : undefined;
  }
  for (const side of ['a', 'b'] as const) {
    const value = node.inputs[side];
    const other = node.inputs[side === 'a' ? 'b' : 'a'];
    const small = unrepeated(value, rewriting);
    // What only repeats values is left to broadcasting, or done after the arithmetic.
    if (small !== undefined && sameShape(other, y)) {
      return rewriting.node(node.op, { ...node.inputs, [side]: small }, node.attributes, [y])[0];
    }
    if (small !== undefined && other.shape.length === 0) {
      const spec = { shape: small.shape, dtype: y.dtype };
      return repeated(rewriting.node(node.op, { ...node.inputs, [side]: small }, node.attributes, [spec])[0], y, rewriting);
    }
    // A filled operand of a full-sized one can be a scalar.
    if (value.shape.length === 0 || !sameShape(other, y)) continue;
    const number = uniformValue(value, rewriting);
    if (number === undefined) continue;
    const scalar = rewriting.constant(typedArray([number], value.dtype), { shape: [], dtype: value.dtype });
    return rewriting.node(node.op, { ...node.inputs, [side]: scalar }, node.attributes, [y])[0];
  }
  return undefined;
};

const addN: Rule = ({ inputs, outputs: [y] }, rewriting) => {
  const values = Object.values(inputs);
  if (values.length === 1) return values[0];
  return values.length === 2 ? rewriting.node('Add', { a: values[0], b: values[1] }, {}, [y])[0] : undefined;
};

const concat: Rule = ({ inputs }) => {
  const values = Object.values(inputs);
  return values.length === 1 ? values[0] : undefined;
};

const negate: Rule = ({ inputs: { x } }, rewriting) => {
  const inner = rewriting.producer(x);
  return inner?.op === 'Neg' ? inner.inputs.x : undefined;
};

const rules: Readonly<Record<string, Rule>> = {
  Add: arithmetic,
  AddN: addN,
  Cast: ifSameShape,
  Concat: concat,
  ExpandDims: reshape,
  Identity: ifSameShape,
  Max: reduction,
  Maximum: arithmetic,
  Mean: reduction,
  Min: reduction,
  Minimum: arithmetic,
  Multiply: arithmetic,
  Neg: negate,
  PadV2: ifSameShape,
  Pow: arithmetic,
  Prod: reduction,
  RealDiv: arithmetic,
  Reshape: reshape,
  Slice: ifSameShape,
  SquaredDifference: arithmetic,
  Sub: arithmetic,
  Sum: reduction,
  Tile: ifSameShape,
  Transpose: transpose,
};

/** Remove nodes that return what they are given, and write chains of them as one. `ExpandDims` becomes `Reshape`. */
export const simplify = (graph: Graph): Graph =>
  rewrite(graph, (node, rewriting) => {
    const value = rules[node.op]?.(node, rewriting);
    return value && [value];
  });
