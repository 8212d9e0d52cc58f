import type { Node, Value } from '../graph';
import { elementwise } from '../ops/elementwise';
import type { Mapping } from './mapping';

/** Append what one node of a shard is for all shards; at least one of its inputs is mapped. */
export type Rule = (mapping: Mapping, node: Node, inputs: Readonly<Record<string, Value>>) => Value[];

/** Axes of one shard, with the axis of shards before them. */
const shift = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);

/** The same op over outputs that have the axis of shards. */
const same =
  (attributes: (node: Node, mapping: Mapping) => Node['attributes'] = ({ attributes: a }) => a): Rule =>
  (mapping, node, inputs) =>
    mapping.node(node.op, inputs, attributes(node, mapping), node.outputs.map((output) => mapping.overShards(output)));

/** Like {@link same}, for ops that do not broadcast: shared inputs are repeated. */
const spreading =
  (attributes: (node: Node, mapping: Mapping) => Node['attributes']): Rule =>
  (mapping, node, inputs) =>
    same(attributes)(mapping, node, Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, mapping.spread(value)])));

/** A mapped value of lower rank than the result, with axes of length 1 after the axis of shards, so that it broadcasts. */
function aligned(mapping: Mapping, value: Value, rank: number): Value {
  if (!mapping.isMapped(value)) return value;
  const [count, ...shape] = value.shape;
  return mapping.reshape(value, [count, ...new Array<number>(rank - shape.length).fill(1), ...shape]);
}

const broadcasting: Rule = (mapping, node, inputs) => {
  const rank = node.outputs[0].shape.length;
  return same()(mapping, node, Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, aligned(mapping, value, rank)])));
};

const select: Rule = (mapping, node, { condition, t, e }) => {
  const [y] = node.outputs;
  const whole = mapping.overShards(y).shape;
  const wide = aligned(mapping, mapping.spread(condition), y.shape.length);
  const reps = whole.map((length, i) => length / wide.shape[i]);
  const full = reps.every((n) => n === 1) ? wide : mapping.node('Tile', { x: wide }, { reps }, [{ shape: whole, dtype: 'bool' }])[0];
  return same()(mapping, node, { condition: full, t: mapping.spread(t), e: mapping.spread(e) });
};

const matMul: Rule = (mapping, node, { a, b }) => {
  const [y] = node.outputs;
  const local = (value: Value): number => value.shape.length - (mapping.isMapped(value) ? 1 : 0);
  if (!mapping.isMapped(b) && local(a) === 2 && local(b) === 2 && node.attributes.transposeA !== true) {
    // Rows of all shards times one matrix.
    const rows = mapping.joined(a);
    const [count, m, n] = mapping.overShards(y).shape;
    const [product] = mapping.node(node.op, { a: rows, b }, node.attributes, [{ ...mapping.overShards(y), shape: [count * m, n] }]);
    return [mapping.reshape(product, [count, m, n])];
  }
  const rank = y.shape.length;
  const operand = (value: Value): Value =>
    mapping.isMapped(value) ? aligned(mapping, value, rank) : mapping.reshape(value, [...new Array<number>(rank + 1 - value.shape.length).fill(1), ...value.shape]);
  return same()(mapping, node, { a: operand(a), b: operand(b) });
};

const gather: Rule = (mapping, node, { x, indices }) => {
  const { axis, batchDims = 0 } = node.attributes as { axis: number; batchDims?: number };
  if (!mapping.isMapped(x)) {
    if (batchDims === 0 && axis === 0) return same()(mapping, node, { x, indices });
    return gather(mapping, node, { x: mapping.spread(x), indices });
  }
  const own = mapping.isMapped(indices);
  return same(({ attributes }) => ({ ...attributes, axis: axis + 1, batchDims: own ? batchDims + 1 : batchDims }))(
    mapping,
    node,
    own || batchDims === 0 ? { x, indices } : { x, indices: mapping.spread(indices) },
  );
};

/**
 * Ops of rows that know nothing of each other, or, in Sinkhorn-Knopp, of the rows of all shards: they run once on
 * all rows. The inputs that are not listed must be shared.
 */
const rowwise: Readonly<Record<string, readonly string[]>> = {
  Attention: ['q', 'k', 'v'],
  AttentionGrad: ['q', 'k', 'v', 'dout'],
  ColorJitter: ['x', 'params'],
  GaussianBlur: ['x', 'sigma'],
  Gelu: ['x'],
  GeluGrad: ['x', 'dy'],
  L2Normalize: ['x'],
  L2NormalizeGrad: ['x', 'dy'],
  LayerNorm: ['x'],
  Linear: ['x'],
  RotaryEmbedding: ['x'],
  SinkhornKnopp: ['logits', 'valid'],
  SwiGLU: ['x'],
  SwiGLUGrad: ['x', 'dy'],
};

/** The rule of a primitive of rows, if the node is one and what all rows share is shared. */
export function rowRule({ op }: Node, mapping: Mapping, inputs: Readonly<Record<string, Value>>): Rule | undefined {
  const rows = rowwise[op];
  if (rows === undefined || Object.entries(inputs).some(([key, value]) => !rows.includes(key) && mapping.isMapped(value))) return undefined;
  return (_, node) => {
    const joined = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, rows.includes(key) ? mapping.joined(value) : value]));
    const outputs = node.outputs.map((output) => mapping.overShards(output));
    const results = mapping.node(op, joined, node.attributes, outputs.map((spec) => ({ ...spec, shape: [spec.shape[0] * spec.shape[1], ...spec.shape.slice(2)] })));
    return results.map((value, i) => mapping.reshape(value, outputs[i].shape));
  };
}

const reduction = same(({ attributes }) => ({
  ...attributes,
  ...(attributes.axis !== undefined && { axis: shift(attributes.axis as number[]) }),
  ...(attributes.reductionIndices !== undefined && { reductionIndices: shift(attributes.reductionIndices as number[]) }),
}));

const alongAxis = (name: 'axis' | 'dim') => same(({ attributes }) => ({ ...attributes, [name]: (attributes[name] as number) + 1 }));

const ownShape = same(({ attributes, outputs: [y] }, mapping) => ({ ...attributes, shape: mapping.overShards(y).shape }));

const padded = same(({ attributes }) => ({ ...attributes, paddings: [[0, 0], ...(attributes.paddings as number[][])] }));

export const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(Object.keys(elementwise).map((op) => [op, broadcasting])),
  All: reduction,
  Any: reduction,
  ArgMax: alongAxis('axis'),
  ArgMin: alongAxis('axis'),
  BatchMatMul: matMul,
  Concat: spreading(({ attributes }) => ({ ...attributes, axis: (attributes.axis as number) + 1 })),
  Cumprod: alongAxis('axis'),
  Cumsum: alongAxis('axis'),
  ExpandDims: alongAxis('dim'),
  GatherV2: gather,
  Max: reduction,
  Mean: reduction,
  Min: reduction,
  MirrorPad: padded,
  OneHot: same(),
  Pack: spreading(({ attributes }) => ({ ...attributes, axis: (attributes.axis as number) + 1 })),
  PadV2: padded,
  Prod: reduction,
  Reshape: ownShape,
  Reverse: same(({ attributes }) => ({ ...attributes, dims: shift(attributes.dims as number[]) })),
  Select: select,
  Slice: same(({ attributes }, mapping) => ({
    begin: [0, ...(attributes.begin as number[])],
    size: [mapping.count, ...(attributes.size as number[])],
  })),
  Softmax: alongAxis('dim'),
  SplitV: alongAxis('axis'),
  Sum: reduction,
  Tile: same(({ attributes }) => ({ ...attributes, reps: [1, ...(attributes.reps as number[])] })),
  TopK: same(),
  Transpose: same(({ attributes }) => ({ ...attributes, perm: [0, ...shift(attributes.perm as number[])] })),
  Unpack: alongAxis('axis'),
};
