import { type, type Builder, type Tensor } from '../builder';
import { compare, map, numeric, select, zip, type Call, type Lowering, type LoweringTable } from './lowering';

/** In the type of the output. */
const unary =
  (op: string): Lowering =>
  (b, { inputs: { x }, outputs: [y] }) =>
    map(b, op, b.cast(x, y.type));

/** Integers through float32, as tfjs computes them. */
const throughFloat =
  (compute: (b: Builder, x: Tensor, call: Call) => Tensor): Lowering =>
  (b, call) =>
    b.cast(compute(b, b.cast(call.inputs.x, 'float32'), call), call.outputs[0].type);

const floats = (op: string): Lowering => throughFloat((b, x) => map(b, op, x));

const test =
  (op: string): Lowering =>
  (b, { inputs: { x } }) =>
    b.op(op, [b.cast(x, 'float32')], { shape: x.shape, type: 'bool' }, { T: type('float32') });

/** Arithmetic in the type of the output. */
const binary =
  (op: string): Lowering =>
  (b, { inputs: { a, b: other }, outputs: [y] }) =>
    zip(b, op, b.cast(a, y.type), b.cast(other, y.type));

const floatBinary =
  (op: string): Lowering =>
  (b, { inputs: { a, b: other }, outputs: [y] }) =>
    b.cast(zip(b, op, b.cast(a, 'float32'), b.cast(other, 'float32')), y.type);

const comparison =
  (op: string): Lowering =>
  (b, { inputs: { a, b: other } }) => {
    const t = a.type === 'float32' || other.type === 'float32' ? 'float32' : numeric(a.type);
    return compare(b, op, b.cast(a, t), b.cast(other, t));
  };

const logical =
  (op: string): Lowering =>
  (b, { inputs: { a, b: other }, outputs: [y] }) =>
    b.op(op, [b.cast(a, 'bool'), b.cast(other, 'bool')], y);

/** 1 for x > 0, NaN for NaN, else alpha. */
const step = throughFloat((b, x, { attributes: { alpha } }) => {
  const stepped = select(b, compare(b, 'Greater', x, b.scalar(0)), b.scalar(1), b.scalar((alpha as number | undefined) ?? 0));
  const isNaN = b.op('IsNan', [x], { shape: x.shape, type: 'bool' }, { T: type(x) });
  return select(b, isNaN, x, stepped);
});

const between = (b: Builder, x: Tensor, low: number, high: number): Tensor => {
  const t = x.type as 'float32' | 'int32';
  return zip(b, 'Maximum', zip(b, 'Minimum', x, b.scalar(high, t)), b.scalar(low, t));
};

const floorDivide: Lowering = (b, { inputs: { a, b: other }, outputs: [y] }) =>
  b.cast(map(b, 'Floor', zip(b, 'RealDiv', b.cast(a, 'float32'), b.cast(other, 'float32'))), y.type);

/** x where it is not negative, else alpha x. */
const prelu = (b: Builder, x: Tensor, alpha: Tensor): Tensor =>
  select(b, compare(b, 'GreaterEqual', x, b.scalar(0)), x, zip(b, 'Mul', x, alpha));

const selectNode: Lowering = (b, { inputs: { condition, t, e }, outputs: [y] }) => {
  // A vector condition chooses whole rows of the first axis.
  const shape = [...condition.shape, ...Array<number>(t.shape.length - condition.shape.length).fill(1)];
  return select(b, b.reshape(b.cast(condition, 'bool'), shape), b.cast(t, y.type), b.cast(e, y.type));
};

const addN: Lowering = (b, { inputs }) => {
  const terms = Object.values(inputs);
  if (terms.length === 1) return terms[0];
  return b.op('AddN', terms, terms[0], { N: { i: terms.length }, T: type(terms[0]) });
};

const leakyRelu = (b: Builder, x: Tensor, alpha: unknown): Tensor => map(b, 'LeakyRelu', x, { alpha: { f: (alpha as number | undefined) ?? 0.2 } });

/** The activations that tfjs fuses into matrix products and convolutions. */
export function activate(b: Builder, x: Tensor, { inputs, attributes }: Call): Tensor | undefined {
  switch (attributes.activation ?? 'linear') {
    case 'linear':
      return x;
    case 'relu':
      return map(b, 'Relu', x);
    case 'relu6':
      return map(b, 'Relu6', x);
    case 'elu':
      return map(b, 'Elu', x);
    case 'sigmoid':
      return map(b, 'Sigmoid', x);
    case 'leakyrelu':
      return leakyRelu(b, x, attributes.leakyreluAlpha);
    case 'prelu':
      return prelu(b, x, inputs.preluActivationWeights);
    default:
      return undefined;
  }
}

export const elementwise: LoweringTable = {
  Abs: unary('Abs'),
  Acos: floats('Acos'),
  Acosh: floats('Acosh'),
  Asin: floats('Asin'),
  Asinh: floats('Asinh'),
  Atan: floats('Atan'),
  Atanh: floats('Atanh'),
  Ceil: floats('Ceil'),
  ClipByValue: (b, { inputs: { x }, attributes: { clipValueMin, clipValueMax } }) =>
    between(b, x, clipValueMin as number, clipValueMax as number),
  Cos: floats('Cos'),
  Cosh: floats('Cosh'),
  Elu: floats('Elu'),
  Erf: floats('Erf'),
  Exp: floats('Exp'),
  Expm1: floats('Expm1'),
  Floor: floats('Floor'),
  Identity: (b, { inputs: { x } }) => map(b, 'Identity', x),
  IsFinite: test('IsFinite'),
  IsInf: test('IsInf'),
  IsNan: test('IsNan'),
  LeakyRelu: throughFloat((b, x, { attributes: { alpha } }) => leakyRelu(b, x, alpha)),
  Log: floats('Log'),
  Log1p: floats('Log1p'),
  LogicalNot: (b, { inputs: { x } }) => {
    const truth = b.cast(x, 'bool');
    return b.op('LogicalNot', [truth], truth);
  },
  Neg: unary('Neg'),
  Reciprocal: floats('Reciprocal'),
  Relu: unary('Relu'),
  Relu6: unary('Relu6'),
  Round: floats('Round'),
  Rsqrt: floats('Rsqrt'),
  Selu: floats('Selu'),
  Sigmoid: floats('Sigmoid'),
  Sign: unary('Sign'),
  Sin: floats('Sin'),
  Sinh: floats('Sinh'),
  Softplus: floats('Softplus'),
  Sqrt: floats('Sqrt'),
  Square: unary('Square'),
  Step: step,
  Tan: floats('Tan'),
  Tanh: floats('Tanh'),

  Add: binary('AddV2'),
  AddN: addN,
  Atan2: floatBinary('Atan2'),
  BitwiseAnd: binary('BitwiseAnd'),
  FloorDiv: floorDivide,
  Maximum: binary('Maximum'),
  Minimum: binary('Minimum'),
  Mod: binary('FloorMod'),
  Multiply: binary('Mul'),
  Pow: floatBinary('Pow'),
  RealDiv: floatBinary('RealDiv'),
  SquaredDifference: binary('SquaredDifference'),
  Sub: binary('Sub'),

  Equal: comparison('Equal'),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessEqual'),
  LogicalAnd: logical('LogicalAnd'),
  LogicalOr: logical('LogicalOr'),
  NotEqual: comparison('NotEqual'),

  Cast: (b, { inputs: { x }, outputs: [y] }) => b.cast(x, y.type),
  EluGrad: (b, { inputs: { dy, y } }) => zip(b, 'EluGrad', dy, y),
  Prelu: (b, { inputs: { x, alpha } }) => prelu(b, x, alpha),
  Select: selectNode,
};
