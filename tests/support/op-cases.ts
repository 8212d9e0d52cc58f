import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { HostArray } from '@dinov2/jit';

/** One call to try: host inputs and a pure tfjs function of them. */
export interface OpExample {
  readonly inputs: readonly HostArray[];
  readonly fn: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
}

/** Random examples of one tfjs op, for testing an engine against tfjs. */
export interface OpCase {
  readonly name: string;
  readonly examples: fc.Arbitrary<OpExample>;
  /** Positions of the inputs that tfjs has a gradient for; empty if none. */
  readonly differentiable: readonly number[];
}

type Shape = readonly number[];

const count = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** Uniform in [0, 1), a new sequence for each seed (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Domain = (random: () => number) => number;

/** Values lie between multiples of 1/8, so that no kink (0, 1, 6, .5) is hit exactly. */
const within = (low: number, high: number): Domain => (random) =>
  low + (Math.floor(random() * (high - low) * 8) + 0.5) / 8;

const signed = within(-4, 4);
const positive = within(0.25, 4);
const unit = within(-0.875, 0.875);
const aboveOne = within(1.125, 4);

const floats = (shape: Shape, seed: number, domain: Domain = signed): HostArray => {
  const random = uniform(seed);
  return { shape, data: Float32Array.from({ length: count(shape) }, () => domain(random)) };
};

/** All different, so that orders and maxima are unique. */
const distinct = (shape: Shape, seed: number): HostArray => {
  const random = uniform(seed);
  const data = Float32Array.from({ length: count(shape) }, (_, i) => (i - count(shape) / 2) / 4 + 0.0625);
  for (let i = data.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [data[i], data[j]] = [data[j], data[i]];
  }
  return { shape, data };
};

const integers = (shape: Shape, seed: number, low: number, high: number): HostArray => {
  const random = uniform(seed);
  return { shape, data: Int32Array.from({ length: count(shape) }, () => low + Math.floor(random() * (high - low))) };
};

const bools = (shape: Shape, seed: number): HostArray => {
  const random = uniform(seed);
  return { shape, data: Uint8Array.from({ length: count(shape) }, () => (random() < 0.5 ? 0 : 1)) };
};

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const dim = fc.integer({ min: 1, max: 5 });
const shapes = (min: number, max: number) => fc.array(dim, { minLength: min, maxLength: max });

/** A shape and one that broadcasts with it: shorter in front, 1 in places. */
const broadcastable = fc
  .tuple(shapes(0, 4), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat({ max: 4 }), fc.boolean())
  .map(([shape, ones, drop, swap]): [Shape, Shape] => {
    const other = shape.map((d, i) => (ones[i] ? 1 : d)).slice(Math.min(drop, shape.length));
    return swap ? [other, shape] : [shape, other];
  });

/** A shape of given rank with one of its axes. */
const shapeAndAxis = (min: number, max: number) =>
  shapes(min, max).chain((shape) => fc.tuple(fc.constant(shape), fc.integer({ min: -shape.length, max: shape.length - 1 })));

const shapeAndAxes = shapes(1, 4).chain((shape) =>
  fc.tuple(fc.constant(shape), fc.option(fc.subarray(shape.map((_, i) => i), { minLength: 1 }), { nil: undefined })),
);

const define = <T>(
  name: string,
  parameters: fc.Arbitrary<T>,
  make: (parameters: T, seed: number) => OpExample,
  differentiable: readonly number[] = [],
): OpCase => ({
  name,
  examples: fc.tuple(parameters, seeds).map(([p, seed]) => make(p, seed)),
  differentiable,
});

const unary = (name: string, fn: (x: tf.Tensor) => tf.Tensor, domain: Domain = signed, differentiable = true) =>
  define(name, shapes(0, 4), (shape, seed) => ({ inputs: [floats(shape, seed, domain)], fn }), differentiable ? [0] : []);

const binary = (
  name: string,
  fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  domains: readonly [Domain, Domain] = [signed, signed],
  differentiable = true,
) =>
  define(
    name,
    broadcastable,
    ([a, b], seed) => ({ inputs: [floats(a, seed, domains[0]), floats(b, seed + 1, domains[1])], fn }),
    differentiable ? [0, 1] : [],
  );

const elementwise: OpCase[] = [
  unary('abs', tf.abs),
  unary('acos', tf.acos, unit),
  unary('acosh', tf.acosh, aboveOne),
  unary('asin', tf.asin, unit),
  unary('asinh', tf.asinh),
  unary('atan', tf.atan),
  unary('atanh', tf.atanh, unit),
  unary('ceil', tf.ceil),
  unary('clipByValue', (x) => tf.clipByValue(x, -1, 2)),
  unary('cos', tf.cos),
  unary('cosh', tf.cosh),
  unary('elu', tf.elu),
  unary('erf', tf.erf),
  unary('exp', tf.exp),
  unary('expm1', tf.expm1),
  unary('floor', tf.floor),
  unary('isFinite', (x) => tf.isFinite(tf.div(x, tf.sub(x, x))), signed, false),
  unary('isInf', (x) => tf.isInf(tf.div(x, tf.sub(x, x))), signed, false),
  unary('isNaN', (x) => tf.isNaN(tf.sqrt(x)), signed, false),
  unary('leakyRelu', (x) => tf.leakyRelu(x, 0.1)),
  unary('log', tf.log, positive),
  unary('log1p', tf.log1p, positive),
  unary('logSigmoid', tf.logSigmoid),
  unary('neg', tf.neg),
  unary('reciprocal', tf.reciprocal),
  unary('relu', tf.relu),
  unary('relu6', (x) => tf.relu6(tf.mul(x, 2))),
  unary('round', tf.round),
  unary('rsqrt', tf.rsqrt, positive),
  unary('selu', tf.selu),
  unary('sigmoid', tf.sigmoid),
  unary('sign', tf.sign),
  unary('sin', tf.sin),
  unary('sinh', tf.sinh),
  unary('softplus', tf.softplus),
  unary('sqrt', tf.sqrt, positive),
  unary('square', tf.square),
  unary('step', (x) => tf.step(x, 0.5)),
  unary('tan', tf.tan, unit),
  unary('tanh', tf.tanh),
  unary('zerosLike and onesLike', (x) => tf.add(tf.zerosLike(x), tf.onesLike(x)), signed, false),
  unary('clone', (x) => tf.clone(x)),

  binary('add', tf.add),
  binary('sub', tf.sub),
  binary('mul', tf.mul),
  binary('div', tf.div, [signed, positive]),
  binary('divNoNan', tf.divNoNan, [signed, positive], false),
  binary('floorDiv', tf.floorDiv, [signed, positive], false),
  binary('maximum', tf.maximum, [signed, signed], false),
  binary('minimum', tf.minimum, [signed, signed], false),
  binary('mod', tf.mod, [signed, positive], false),
  binary('pow', tf.pow, [positive, signed]),
  binary('squaredDifference', tf.squaredDifference, [signed, signed], false),
  // The gradients of these three in tfjs do not sum over broadcast axes.
  ...(['maximum', 'minimum', 'squaredDifference'] as const).map((name) =>
    define(`${name} of equal shapes`, shapes(0, 4), (shape, seed) => ({
      inputs: [floats(shape, seed), floats(shape, seed + 1)],
      fn: (a, b) => tf[name](a, b),
    }), [0, 1]),
  ),
  binary('atan2', tf.atan2),
  binary('prelu', tf.prelu, [signed, positive], false),
  define('prelu with alpha of the last axes', shapes(1, 4), (shape, seed) => ({
    inputs: [floats(shape, seed), floats(shape.slice(-1), seed + 1, positive)],
    fn: (x, alpha) => tf.prelu(x, alpha),
  }), [0, 1]),
  ...(['equal', 'notEqual', 'greater', 'greaterEqual', 'less', 'lessEqual'] as const).map((name) =>
    define(name, broadcastable, ([a, b], seed) => ({
      inputs: [integers(a, seed, -2, 3), integers(b, seed + 1, -2, 3)],
      fn: (x, y) => tf[name](x, y),
    })),
  ),
  binary('greater on floats', tf.greater, [signed, signed], false),
  ...(['logicalAnd', 'logicalOr', 'logicalXor'] as const).map((name) =>
    define(name, broadcastable, ([a, b], seed) => ({
      inputs: [bools(a, seed), bools(b, seed + 1)],
      fn: (x, y) => tf[name](x, y),
    })),
  ),
  define('logicalNot', shapes(0, 3), (shape, seed) => ({ inputs: [bools(shape, seed)], fn: (x) => tf.logicalNot(x) })),
  ...(['add', 'sub', 'mul', 'maximum', 'minimum'] as const).map((name) =>
    define(`${name} on int32`, broadcastable, ([a, b], seed) => ({
      inputs: [integers(a, seed, -9, 10), integers(b, seed + 1, -9, 10)],
      fn: (x, y) => tf[name](x, y),
    })),
  ),
  define('floorDiv on int32', broadcastable, ([a, b], seed) => ({
    inputs: [integers(a, seed, -9, 10), integers(b, seed + 1, 1, 5)],
    fn: (x, y) => tf.floorDiv(x, y),
  })),
  define('bitwiseAnd', shapes(1, 3), (shape, seed) => ({
    inputs: [integers(shape, seed, 0, 64), integers(shape, seed + 1, 0, 64)],
    fn: (x, y) => tf.bitwiseAnd(x, y),
  })),
  define('addN', fc.tuple(shapes(0, 3), fc.integer({ min: 1, max: 4 })), ([shape, n], seed) => ({
    inputs: Array.from({ length: n }, (_, i) => floats(shape, seed + i)),
    fn: (...xs) => tf.addN(xs),
  }), [0]),
  define('where', broadcastable, ([a, b], seed) => ({
    inputs: [bools(a.length >= b.length ? a : b, seed), floats(a, seed + 1), floats(b, seed + 2)],
    fn: (condition, x, y) => tf.where(condition, x, y),
  }), [1, 2]),
  ...(['float32', 'int32', 'bool'] as const).flatMap((to) => [
    define(`cast float32 to ${to}`, shapes(0, 3), (shape, seed) => ({
      inputs: [floats(shape, seed)],
      fn: (x) => tf.cast(x, to),
    })),
    define(`cast int32 to ${to}`, shapes(0, 3), (shape, seed) => ({
      inputs: [integers(shape, seed, -2, 3)],
      fn: (x) => tf.cast(x, to),
    })),
    define(`cast bool to ${to}`, shapes(0, 3), (shape, seed) => ({
      inputs: [bools(shape, seed)],
      fn: (x) => tf.cast(x, to),
    })),
  ]),
  define('mixed types', shapes(0, 3), (shape, seed) => ({
    inputs: [floats(shape, seed), integers(shape, seed + 1, -3, 4), bools(shape, seed + 2)],
    fn: (x, i, b) => tf.add(tf.mul(x, i), tf.cast(b, 'float32')),
  }), [0]),
];

const reduction = (
  name: string,
  fn: (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor,
  input: (shape: Shape, seed: number) => HostArray,
  differentiable: readonly number[],
) =>
  define(name, fc.tuple(shapeAndAxes, fc.boolean()), ([[shape, axes], keepDims], seed) => ({
    inputs: [input(shape, seed)],
    fn: (x) => fn(x, axes, keepDims),
  }), differentiable);

const reductions: OpCase[] = [
  reduction('sum', tf.sum, floats, [0]),
  reduction('sum of int32', tf.sum, (s, seed) => integers(s, seed, -5, 6), []),
  reduction('sum of bool', tf.sum, bools, []),
  reduction('mean', tf.mean, floats, [0]),
  reduction('max', tf.max, distinct, [0]),
  reduction('min', tf.min, distinct, [0]),
  reduction('prod', tf.prod, (s, seed) => floats(s, seed, positive), []),
  reduction('all', tf.all, bools, []),
  reduction('any', tf.any, bools, []),
  reduction('logSumExp', tf.logSumExp, floats, [0]),
  reduction('norm', (x, axes, keepDims) => tf.norm(x, 'euclidean', axes?.slice(0, 1), keepDims), floats, [0]),
  reduction('moments', (x, axes, keepDims) => {
    const { mean, variance } = tf.moments(x, axes, keepDims);
    return tf.stack([mean, variance]);
  }, floats, [0]),
  ...(['argMax', 'argMin'] as const).map((name) =>
    define(name, shapeAndAxis(1, 4), ([shape, axis], seed) => ({ inputs: [distinct(shape, seed)], fn: (x) => tf[name](x, axis) })),
  ),
  define('softmax', shapes(1, 4), (shape, seed) => ({ inputs: [floats(shape, seed)], fn: (x) => tf.softmax(x) }), [0]),
  define('logSoftmax', shapes(1, 4), (shape, seed) => ({ inputs: [floats(shape, seed)], fn: (x) => tf.logSoftmax(x) }), [0]),
  define('cumsum', fc.tuple(shapeAndAxis(1, 4), fc.boolean(), fc.boolean()), ([[shape, axis], exclusive, reverse], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.cumsum(x, axis < 0 ? axis + shape.length : axis, exclusive, reverse),
  })),
  // The gradient in tfjs is transposed for any axis but the last.
  define('cumsum over the last axis', fc.tuple(shapes(1, 4), fc.boolean(), fc.boolean()), ([shape, exclusive, reverse], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.cumsum(x, shape.length - 1, exclusive, reverse),
  }), [0]),
  define('cumprod', fc.tuple(shapeAndAxis(1, 3), fc.boolean(), fc.boolean()), ([[shape, axis], exclusive, reverse], seed) => ({
    inputs: [floats(shape, seed, positive)],
    fn: (x) => tf.cumprod(x, axis < 0 ? axis + shape.length : axis, exclusive, reverse),
  })),
  define('topk', fc.tuple(shapes(0, 3), fc.integer({ min: 1, max: 8 })).chain(([lead, n]) =>
    fc.tuple(fc.constant([...lead, n]), fc.integer({ min: 1, max: n })),
  ), ([shape, k], seed) => ({
    inputs: [distinct(shape, seed)],
    fn: (x) => {
      const { values, indices } = tf.topk(x, k);
      return [values, indices];
    },
  })),
  define('unsortedSegmentSum', fc.tuple(shapes(1, 3), fc.integer({ min: 1, max: 4 })), ([shape, segments], seed) => ({
    inputs: [floats(shape, seed), integers(shape.slice(0, 1), seed + 1, 0, segments)],
    fn: (x, ids) => tf.unsortedSegmentSum(x, ids as tf.Tensor1D, segments),
  }), [0]),
];

const matrices = fc.record({
  m: dim, k: dim, n: dim,
  batch: shapes(0, 2),
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
});

const linearAlgebra: OpCase[] = [
  define('matMul', matrices, ({ m, k, n, batch, transposeA, transposeB }, seed) => ({
    inputs: [
      floats([...batch, ...(transposeA ? [k, m] : [m, k])], seed),
      floats([...batch, ...(transposeB ? [n, k] : [k, n])], seed + 1),
    ],
    fn: (a, b) => tf.matMul(a, b, transposeA, transposeB),
  }), [0, 1]),
  define('matMul with broadcast batch', matrices, ({ m, k, n, batch }, seed) => ({
    inputs: [floats([...batch.map(() => 1), m, k], seed), floats([...batch, k, n], seed + 1)],
    fn: (a, b) => tf.matMul(a, b),
  })),
  define('fused.matMul', fc.tuple(dim, dim, dim, fc.constantFrom('linear', 'relu', 'relu6', 'elu', 'sigmoid') as fc.Arbitrary<tf.fused.Activation>), ([m, k, n, activation], seed) => ({
    inputs: [floats([m, k], seed), floats([k, n], seed + 1), floats([n], seed + 2)],
    fn: (a, b, bias) => tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation }),
  })),
  define('dot', dim, (n, seed) => ({ inputs: [floats([n], seed), floats([n], seed + 1)], fn: (a, b) => tf.dot(a, b) }), [0, 1]),
  define('outerProduct', fc.tuple(dim, dim), ([m, n], seed) => ({
    inputs: [floats([m], seed), floats([n], seed + 1)],
    fn: (a, b) => tf.outerProduct(a as tf.Tensor1D, b as tf.Tensor1D),
  }), [0, 1]),
  define('einsum', fc.record({ i: dim, j: dim, k: dim, b: dim, equation: fc.constantFrom('bij,bjk->bik', 'bij,bjk->kbi') }), ({ i, j, k, b, equation }, seed) => ({
    inputs: [floats([b, i, j], seed), floats([b, j, k], seed + 1)],
    fn: (x, y) => tf.einsum(equation, x, y),
  })),
];

const pairsOf = (rank: number, max: number) =>
  fc.array(fc.tuple(fc.nat({ max }), fc.nat({ max })), { minLength: rank, maxLength: rank }) as fc.Arbitrary<[number, number][]>;

const shapeOps: OpCase[] = [
  define('reshape', shapes(0, 4), (shape, seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.reshape(x, [...shape].reverse()),
  }), [0]),
  define('flatten', shapes(0, 4), (shape, seed) => ({ inputs: [floats(shape, seed)], fn: (x) => tf.reshape(x, [-1]) }), [0]),
  define('expandDims', shapeAndAxis(1, 3), ([shape, axis], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.expandDims(x, axis),
  }), [0]),
  define('squeeze', shapes(1, 3), (shape, seed) => ({ inputs: [floats([...shape, 1], seed)], fn: (x) => tf.squeeze(x) }), [0]),
  define('transpose', shapes(1, 5).chain((shape) => fc.tuple(fc.constant(shape), fc.shuffledSubarray(shape.map((_, i) => i), { minLength: shape.length }))), ([shape, perm], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.transpose(x, perm),
  }), [0]),
  define('concat', fc.tuple(shapeAndAxis(1, 4), fc.array(dim, { minLength: 1, maxLength: 4 })), ([[shape, axis], sizes], seed) => ({
    inputs: sizes.map((n, i) => floats(shape.with(axis, n), seed + i)),
    fn: (...xs) => tf.concat(xs, axis),
  }), [0]),
  define('stack', fc.tuple(shapeAndAxis(1, 3), fc.integer({ min: 1, max: 4 })), ([[shape, axis], n], seed) => ({
    inputs: Array.from({ length: n }, (_, i) => floats(shape, seed + i)),
    fn: (...xs) => tf.stack(xs, axis < 0 ? axis + shape.length : axis),
  }), [0]),
  // The gradients of unstack and split in tfjs fail for a single part.
  define('unstack', shapeAndAxis(1, 4), ([shape, axis], seed) => ({
    inputs: [floats(shape.with(axis, (shape.at(axis) as number) + 1), seed)],
    fn: (x) => tf.unstack(x, axis),
  }), [0]),
  define('split', fc.tuple(shapeAndAxis(1, 4), fc.array(dim, { minLength: 2, maxLength: 4 })), ([[shape, axis], sizes], seed) => ({
    inputs: [floats(shape.with(axis, sizes.reduce((a, b) => a + b)), seed)],
    fn: (x) => tf.split(x, sizes, axis < 0 ? axis + shape.length : axis),
  }), [0]),
  define('tile', shapes(1, 4).chain((shape) => fc.tuple(fc.constant(shape), fc.array(fc.integer({ min: 1, max: 3 }), { minLength: shape.length, maxLength: shape.length }))), ([shape, reps], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.tile(x, reps),
  }), [0]),
  define('broadcastTo', broadcastable, ([a, b], seed) => {
    const [from, to] = a.length < b.length || (a.length === b.length && count(a) < count(b)) ? [a, b] : [b, a];
    return { inputs: [floats(from, seed)], fn: (x) => tf.broadcastTo(x, [...to] as never) };
  }),
  define('pad', shapes(1, 4).chain((shape) => fc.tuple(fc.constant(shape), pairsOf(shape.length, 2), fc.integer({ min: -2, max: 2 }))), ([shape, paddings, value], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.pad(x, paddings, value),
  }), [0]),
  define('mirrorPad', fc.constantFrom('reflect', 'symmetric').chain((mode) => fc.tuple(fc.constant(mode as 'reflect' | 'symmetric'), fc.array(fc.integer({ min: 3, max: 5 }), { minLength: 1, maxLength: 3 }))).chain(([mode, shape]) => fc.tuple(fc.constant(mode), fc.constant(shape), pairsOf(shape.length, 2))), ([mode, shape, paddings], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.mirrorPad(x, paddings, mode),
  })),
  define('reverse', shapeAndAxes, ([shape, axes], seed) => ({ inputs: [floats(shape, seed)], fn: (x) => tf.reverse(x, axes) }), [0]),
  define('range and linspace', fc.integer({ min: 1, max: 9 }), (n, seed) => ({
    inputs: [floats([n], seed)],
    fn: (x) => [tf.add(x, tf.range(0, n)), tf.add(x, tf.linspace(-1, 1, n)), tf.range(n, 0, -1, 'int32')],
  })),
  define('fill, zeros and ones', shapes(1, 3), (shape, seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.add(tf.mul(x, tf.fill([...shape], 2.5)), tf.add(tf.ones([...shape]), tf.zeros([...shape]))),
  }), [0]),
  define('eye', dim, (n, seed) => ({ inputs: [floats([n, n], seed)], fn: (x) => tf.mul(x, tf.eye(n)) }), [0]),
  define('spaceToBatchND', fc.tuple(dim, dim), ([h, w], seed) => ({
    inputs: [floats([2, 2 * h, 2 * w, 3], seed)],
    fn: (x) => tf.spaceToBatchND(x, [2, 2], [[0, 2], [2, 0]]),
  }), [0]),
  define('batchToSpaceND', fc.tuple(dim, dim), ([h, w], seed) => ({
    inputs: [floats([8, h + 1, w + 1, 3], seed)],
    fn: (x) => tf.batchToSpaceND(x, [2, 2], [[0, 1], [1, 0]]),
  }), [0]),
  define('depthToSpace', fc.tuple(dim, dim), ([h, w], seed) => ({
    inputs: [floats([2, h, w, 8], seed)],
    fn: (x) => tf.depthToSpace(x as tf.Tensor4D, 2),
  })),
  define('diag', dim, (n, seed) => ({ inputs: [floats([n], seed)], fn: (x) => tf.diag(x) })),
];

const indexing: OpCase[] = [
  define('gather', fc.tuple(shapeAndAxis(1, 4), shapes(1, 2)), ([[shape, axis], indices], seed) => ({
    inputs: [floats(shape, seed), integers(indices, seed + 1, 0, shape.at(axis) as number)],
    fn: (x, i) => tf.gather(x, i, axis < 0 ? axis + shape.length : axis),
  }), [0]),
  define('gather with batchDims', fc.tuple(dim, dim, dim, dim), ([b, n, c, k], seed) => ({
    inputs: [floats([b, n, c], seed), integers([b, k], seed + 1, 0, n)],
    fn: (x, i) => tf.gather(x, i, 1, 1),
  })),
  define('gatherND', fc.tuple(dim, dim, dim, dim), ([m, n, c, k], seed) => ({
    inputs: [floats([m, n, c], seed), integers([k, 2], seed + 1, 0, Math.min(m, n))],
    fn: (x, i) => tf.gatherND(x, i),
  })),
  define('scatterND', fc.tuple(dim, dim, dim), ([rows, columns, k], seed) => ({
    // Indices may repeat: updates add up.
    inputs: [integers([k, 1], seed, 0, rows), floats([k, columns], seed + 1)],
    fn: (i, updates) => tf.scatterND(i, updates, [rows, columns]),
  })),
  define('tensorScatterUpdate', fc.tuple(fc.integer({ min: 2, max: 6 }), dim).chain(([rows, columns]) => fc.tuple(fc.constant(columns), fc.constant(rows), fc.shuffledSubarray(Array.from({ length: rows }, (_, i) => i), { minLength: 1 }))), ([columns, rows, picked], seed) => ({
    inputs: [floats([rows, columns], seed), { data: Int32Array.from(picked), shape: [picked.length, 1] }, floats([picked.length, columns], seed + 1)],
    fn: (x, i, updates) => tf.tensorScatterUpdate(x, i, updates),
  })),
  define('slice', shapes(1, 4).chain((shape) => fc.tuple(fc.constant(shape), fc.tuple(...shape.map((d) => fc.nat({ max: d - 1 }))), fc.boolean())), ([shape, begin, toEnd], seed) => ({
    inputs: [floats(shape, seed)],
    fn: (x) => tf.slice(x, begin, toEnd ? shape.map(() => -1) : shape.map((d, i) => Math.ceil((d - begin[i]) / 2))),
  }), [0]),
  define('stridedSlice', fc.tuple(fc.integer({ min: 3, max: 7 }), fc.integer({ min: 3, max: 7 }), fc.integer({ min: 1, max: 3 })), ([m, n, stride], seed) => ({
    inputs: [floats([m, n], seed)],
    fn: (x) => [
      tf.stridedSlice(x, [0, 1], [m, n], [stride, stride]),
      tf.stridedSlice(x, [m - 1, 0], [0, n], [-1, 1]),
      tf.stridedSlice(x, [1, 0], [2, n], [1, 1], 0, 0, 0, 0, 1),
    ],
  })),
  define('oneHot', fc.tuple(shapes(1, 2), fc.integer({ min: 2, max: 5 })), ([shape, depth], seed) => ({
    // Indices outside of [0, depth) give a row of off values.
    inputs: [integers(shape, seed, -1, depth + 1)],
    fn: (i) => [tf.oneHot(i, depth), tf.oneHot(i, depth, 0.5, -0.5, 'float32')],
  })),
  define('bincount', fc.integer({ min: 1, max: 12 }), (n, seed) => ({
    inputs: [integers([n], seed, 0, 5), floats([n], seed + 1)],
    fn: (x, weights) => tf.bincount(x as tf.Tensor1D, weights as tf.Tensor1D, 5),
  })),
  define('denseBincount', fc.tuple(dim, dim), ([m, n], seed) => ({
    inputs: [integers([m, n], seed, 0, 5), floats([m, n], seed + 1)],
    fn: (x, weights) => tf.denseBincount(x as tf.Tensor2D, weights as tf.Tensor2D, 5),
  })),
  define('searchSorted', fc.tuple(dim, dim, dim), ([b, n, k], seed) => ({
    inputs: [
      { shape: [b, n], data: Float32Array.from({ length: b * n }, (_, i) => i % n) },
      floats([b, k], seed),
    ],
    fn: (sequence, values) => [tf.lowerBound(sequence, values), tf.upperBound(sequence, values)],
  })),
  define('sparseToDense', fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 1 }), (picked, seed) => ({
    inputs: [{ data: Int32Array.from(picked), shape: [picked.length] }, floats([picked.length], seed)],
    fn: (i, values) => tf.sparseToDense(i, values, [6], tf.scalar(0.5)),
  })),
];

const window = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  height: fc.integer({ min: 4, max: 8 }),
  width: fc.integer({ min: 4, max: 8 }),
  inChannels: fc.integer({ min: 1, max: 3 }),
  outChannels: fc.integer({ min: 1, max: 3 }),
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })) as fc.Arbitrary<[number, number]>,
  stride: fc.integer({ min: 1, max: 2 }),
  pad: fc.constantFrom('same', 'valid') as fc.Arbitrary<'same' | 'valid'>,
});

const convolution: OpCase[] = [
  define('conv2d', window, ({ batch, height, width, inChannels, outChannels, size, stride, pad }, seed) => ({
    inputs: [floats([batch, height, width, inChannels], seed), floats([...size, inChannels, outChannels], seed + 1)],
    fn: (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
  }), [0, 1]),
  define('conv2d with integer padding', window, ({ batch, height, width, inChannels, outChannels, size }, seed) => ({
    inputs: [floats([batch, height, width, inChannels], seed), floats([...size, inChannels, outChannels], seed + 1)],
    fn: (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 1),
  }), [0, 1]),
  define('conv2d with dilation', window, ({ batch, height, width, inChannels, outChannels, pad }, seed) => ({
    inputs: [floats([batch, height + 2, width + 2, inChannels], seed), floats([3, 3, inChannels, outChannels], seed + 1)],
    fn: (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, pad, 'NHWC', 2),
  })),
  define('conv2d NCHW', window, ({ batch, height, width, inChannels, outChannels, size, stride, pad }, seed) => ({
    inputs: [floats([batch, inChannels, height, width], seed), floats([...size, inChannels, outChannels], seed + 1)],
    fn: (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad, 'NCHW'),
  })),
  define('conv1d', window, ({ batch, width, inChannels, outChannels, size, stride, pad }, seed) => ({
    inputs: [floats([batch, width, inChannels], seed), floats([size[0], inChannels, outChannels], seed + 1)],
    fn: (x, filter) => tf.conv1d(x as tf.Tensor3D, filter as tf.Tensor3D, stride, pad),
  }), [0, 1]),
  define('fused.conv2d', fc.tuple(window, fc.constantFrom('linear', 'relu', 'relu6', 'elu', 'sigmoid') as fc.Arbitrary<tf.fused.Activation>), ([{ batch, height, width, inChannels, outChannels, size, stride, pad }, activation], seed) => ({
    inputs: [
      floats([batch, height, width, inChannels], seed),
      floats([...size, inChannels, outChannels], seed + 1),
      floats([outChannels], seed + 2),
    ],
    fn: (x, filter, bias) =>
      tf.fused.conv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, strides: stride, pad, bias, activation }),
  })),
  define('fused.depthwiseConv2d', window, ({ batch, height, width, inChannels, size, stride, pad }, seed) => ({
    inputs: [
      floats([batch, height, width, inChannels], seed),
      floats([...size, inChannels, 1], seed + 1),
      floats([inChannels], seed + 2),
    ],
    fn: (x, filter, bias) =>
      tf.fused.depthwiseConv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, strides: stride, pad, bias, activation: 'relu' }),
  })),
  define('conv2dTranspose', window, ({ batch, height, width, inChannels, outChannels, size, stride }, seed) => ({
    inputs: [floats([batch, height, width, inChannels], seed), floats([...size, outChannels, inChannels], seed + 1)],
    fn: (x, filter) =>
      tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [batch, height * stride, width * stride, outChannels], stride, 'same'),
  }), [0, 1]),
  define('depthwiseConv2d', window, ({ batch, height, width, inChannels, outChannels, size, stride, pad }, seed) => ({
    inputs: [floats([batch, height, width, inChannels], seed), floats([...size, inChannels, outChannels], seed + 1)],
    fn: (x, filter) => tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
  }), [0, 1]),
  define('separableConv2d', window, ({ batch, height, width, inChannels, outChannels, size, stride, pad }, seed) => ({
    inputs: [
      floats([batch, height, width, inChannels], seed),
      floats([...size, inChannels, 1], seed + 1),
      floats([1, 1, inChannels, outChannels], seed + 2),
    ],
    fn: (x, depth, point) => tf.separableConv2d(x as tf.Tensor4D, depth as tf.Tensor4D, point as tf.Tensor4D, stride, pad),
  }), [0, 1, 2]),
  define('maxPool', window, ({ batch, height, width, inChannels, size, stride, pad }, seed) => ({
    inputs: [distinct([batch, height, width, inChannels], seed)],
    fn: (x) => tf.maxPool(x as tf.Tensor4D, size, stride, pad),
  }), [0]),
  define('avgPool', window, ({ batch, height, width, inChannels, size, stride, pad }, seed) => ({
    inputs: [floats([batch, height, width, inChannels], seed)],
    fn: (x) => tf.avgPool(x as tf.Tensor4D, size, stride, pad),
  }), [0]),
  define('maxPoolWithArgmax', window, ({ batch, height, width, inChannels, size, stride, pad }, seed) => ({
    inputs: [distinct([batch, height, width, inChannels], seed)],
    fn: (x) => {
      const { result, indexes } = tf.maxPoolWithArgmax(x as tf.Tensor4D, size, stride, pad);
      return [result, indexes];
    },
  })),
  define('conv3d', window, ({ batch, height, width, inChannels, outChannels, size, pad }, seed) => ({
    inputs: [floats([batch, 3, height, width, inChannels], seed), floats([2, ...size, inChannels, outChannels], seed + 1)],
    fn: (x, filter) => tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, 1, pad),
  }), [0, 1]),
  define('maxPool3d and avgPool3d', window, ({ batch, height, width, inChannels, pad }, seed) => ({
    inputs: [distinct([batch, 3, height, width, inChannels], seed)],
    fn: (x) => [tf.maxPool3d(x as tf.Tensor5D, 2, 1, pad), tf.avgPool3d(x as tf.Tensor5D, 2, 1, pad)],
  }), [0]),
  define('dilation2d', window, ({ batch, height, width, inChannels, size, stride, pad }, seed) => ({
    inputs: [distinct([batch, height, width, inChannels], seed), floats([...size, inChannels], seed + 1)],
    fn: (x, filter) => tf.dilation2d(x as tf.Tensor4D, filter as tf.Tensor3D, stride, pad),
  }), [0, 1]),
  define('batchNorm', shapes(1, 4), (shape, seed) => {
    const c = shape.slice(-1);
    return {
      inputs: [floats(shape, seed), floats(c, seed + 1), floats(c, seed + 2, positive), floats(c, seed + 3), floats(c, seed + 4)],
      fn: (x, mean, variance, offset, scale) => tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, offset as tf.Tensor1D, scale as tf.Tensor1D, 1e-3),
    };
  }, [0, 1, 2, 3, 4]),
  define('localResponseNormalization', window, ({ batch, height, width }, seed) => ({
    inputs: [floats([batch, height, width, 5], seed)],
    fn: (x) => tf.localResponseNormalization(x as tf.Tensor4D, 2, 1, 0.5, 0.75),
  }), [0]),
];

const resizes = fc.record({
  from: fc.tuple(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 6 })),
  to: fc.tuple(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 2, max: 8 })) as fc.Arbitrary<[number, number]>,
  mode: fc.constantFrom([false, false], [true, false], [false, true]) as fc.Arbitrary<[boolean, boolean]>,
});

const image: OpCase[] = [
  define('resizeBilinear', resizes, ({ from, to, mode }, seed) => ({
    inputs: [floats([2, ...from, 3], seed)],
    fn: (x) => tf.image.resizeBilinear(x as tf.Tensor4D, to, ...mode),
  })),
  // The gradient of tfjs's cpu backend exchanges height and width.
  define('resizeBilinear of a square', resizes, ({ from, to, mode }, seed) => ({
    inputs: [floats([2, from[0], from[0], 3], seed)],
    fn: (x) => tf.image.resizeBilinear(x as tf.Tensor4D, to, ...mode),
  }), [0]),
  define('resizeNearestNeighbor', resizes, ({ from, to, mode }, seed) => ({
    inputs: [floats([2, ...from, 3], seed)],
    fn: (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, to, ...mode),
  }), [0]),
  define('cropAndResize', resizes, ({ from, to }, seed) => ({
    inputs: [floats([2, ...from, 3], seed), floats([3, 4], seed + 1, within(0, 1)), integers([3], seed + 2, 0, 2)],
    fn: (x, boxes, of) => tf.image.cropAndResize(x as tf.Tensor4D, boxes as tf.Tensor2D, of as tf.Tensor1D, to),
  })),
  define('flipLeftRight', resizes, ({ from }, seed) => ({
    inputs: [floats([2, ...from, 3], seed)],
    fn: (x) => tf.image.flipLeftRight(x as tf.Tensor4D),
  })),
  define('rotateWithOffset', resizes, ({ from }, seed) => ({
    inputs: [floats([2, ...from, 3], seed)],
    fn: (x) => tf.image.rotateWithOffset(x as tf.Tensor4D, 0.3, 0.5),
  })),
  define('transform', resizes, ({ from }, seed) => ({
    inputs: [floats([1, ...from, 3], seed)],
    fn: (x) => tf.image.transform(x as tf.Tensor4D, tf.tensor2d([[1, 0.1, 0.5, -0.1, 1, 0.25, 0, 0]]), 'bilinear'),
  })),
];

/** Every tfjs op an ordinary program uses, in families. */
export const opCases: Readonly<Record<string, readonly OpCase[]>> = {
  elementwise,
  reductions,
  'linear algebra': linearAlgebra,
  shape: shapeOps,
  indexing,
  'convolution and pooling': convolution,
  image,
};

/**
 * The example's outputs followed by the gradients of Σ wᵢ yᵢ with respect to its differentiable inputs.
 * The weights sin(1), sin(2), … tell every element apart.
 */
export function withGradients({ fn }: OpExample, differentiable: readonly number[]): (...inputs: tf.Tensor[]) => tf.Tensor[] {
  return (...inputs) => {
    const results = fn(...inputs);
    const outputs = Array.isArray(results) ? results : [results];
    if (differentiable.length === 0) return outputs;
    const loss = (...chosen: tf.Tensor[]): tf.Scalar => {
      const all = inputs.map((x, i) => (differentiable.includes(i) ? chosen[differentiable.indexOf(i)] : x));
      const ys = fn(...all);
      const weighted = (Array.isArray(ys) ? ys : [ys]).map((y) =>
        tf.sum(tf.mul(y, tf.reshape(tf.sin(tf.range(1, y.size + 1)), y.shape))),
      );
      return tf.addN(weighted) as tf.Scalar;
    };
    return [...outputs, ...tf.grads(loss)(differentiable.map((i) => inputs[i]))];
  };
}
