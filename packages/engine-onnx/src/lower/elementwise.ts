import type { Builder, OrtOptions } from '../builder';
import { float } from '../builder';
import type { ElementType } from '../element-type';
import type { InPlace, Tensor } from '../program';
import { asBytes, castAll, type Call, type Lowering, type LoweringTable } from './lowering';

/** Operators that ONNX Runtime computes element by element, so that output and input may coincide. */
const first: InPlace = [[0, 0]];
const either: InPlace = [
  [0, 0],
  [1, 0],
];

/** Elementwise ONNX operator of one operand. */
export const map = (b: Builder, type: string, x: Tensor, options: OrtOptions = {}): Tensor =>
  b.ort(type, [x], x, { inPlace: first, ...options });

const broadcast = (x: readonly number[], y: readonly number[]): number[] => {
  const rank = Math.max(x.length, y.length);
  const at = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, axis) => (at(x, axis) === 1 ? at(y, axis) : at(x, axis)));
};

/** Elementwise ONNX operator of two operands of the same type, broadcast. */
export function zip(b: Builder, type: string, x: Tensor, y: Tensor, result: ElementType = x.type): Tensor {
  const inPlace = result === x.type ? either : [];
  return b.ort(type, [x, y], { shape: broadcast(x.shape, y.shape), type: result }, { inPlace });
}

const unary =
  (type: string, attributes?: OrtOptions['attributes']): Lowering =>
  (b, { inputs: { x }, outputs: [y] }) =>
    map(b, type, b.cast(x, y.type), { attributes });

/** Arithmetic in the type of the output. */
const binary =
  (type: string): Lowering =>
  (b, { inputs: { a, b: other }, outputs: [y] }) => {
    const [x, z] = castAll(b, [a, other], y.type);
    return zip(b, type, x, z);
  };

const numeric = (type: ElementType): ElementType => (type === 'bool' ? 'int32' : type);

const compare =
  (type: string): Lowering =>
  (b, { inputs: { a, b: other } }) => {
    const [x, z] = castAll(b, [a, other], a.type === 'float32' || other.type === 'float32' ? 'float32' : numeric(a.type));
    return zip(b, type, x, z, 'bool');
  };

const logical =
  (type: string): Lowering =>
  (b, { inputs: { a, b: other } }) => {
    const [x, z] = castAll(b, [a, other], 'bool');
    return zip(b, type, x, z);
  };

/** Integers through float32, as tfjs computes them. */
const throughFloat =
  (compute: (b: Builder, x: Tensor, call: Call) => Tensor): Lowering =>
  (b, call) =>
    b.cast(compute(b, b.cast(call.inputs.x, 'float32'), call), call.outputs[0].type);

const select = (b: Builder, condition: Tensor, t: Tensor, e: Tensor): Tensor =>
  b.ort('Where', [condition, t, e], { shape: broadcast(condition.shape, broadcast(t.shape, e.shape)), type: t.type });

const floorDivide: Lowering = (b, { inputs: { a, b: other }, outputs: [y] }) => {
  const quotient = zip(b, 'Div', b.cast(a, 'float32'), b.cast(other, 'float32'));
  return b.cast(map(b, 'Floor', quotient), y.type);
};

/** atan2 from atan: the quadrant is put right where x < 0, and the axes have their own values. */
const atan2: Lowering = (b, { inputs: { a, b: other } }) => {
  const y = b.cast(a, 'float32');
  const x = b.cast(other, 'float32');
  const zero = b.scalar(0);
  const quotient = map(b, 'Atan', zip(b, 'Div', y, x));
  const turn = select(b, zip(b, 'GreaterOrEqual', y, zero, 'bool'), b.scalar(Math.PI), b.scalar(-Math.PI));
  const turned = select(b, zip(b, 'Less', x, zero, 'bool'), zip(b, 'Add', quotient, turn), quotient);
  // 0 / 0 is NaN; atan2(0, 0) is 0.
  const both = zip(b, 'And', zip(b, 'Equal', x, zero, 'bool'), zip(b, 'Equal', y, zero, 'bool'));
  return select(b, both, zero, turned);
};

/** log(1 + x) without cancellation: 2 artanh(x / (2 + x)). */
const log1p = throughFloat((b, x) => {
  const ratio = zip(b, 'Div', x, zip(b, 'Add', x, b.scalar(2)));
  const small = zip(b, 'Mul', map(b, 'Atanh', ratio), b.scalar(2));
  const large = map(b, 'Log', zip(b, 'Add', x, b.scalar(1)));
  return select(b, zip(b, 'Less', map(b, 'Abs', x), b.scalar(0.5), 'bool'), small, large);
});

/** exp(x) - 1 without cancellation: with t = tanh(x / 2), 2t / (1 - t). */
const expm1 = throughFloat((b, x) => {
  const t = map(b, 'Tanh', zip(b, 'Mul', x, b.scalar(0.5)));
  const small = zip(b, 'Div', zip(b, 'Mul', t, b.scalar(2)), zip(b, 'Sub', b.scalar(1), t));
  const large = zip(b, 'Sub', map(b, 'Exp', x), b.scalar(1));
  return select(b, zip(b, 'Less', map(b, 'Abs', x), b.scalar(0.5), 'bool'), small, large);
});

/** 1 for x > 0, NaN for NaN, else alpha. */
const step = throughFloat((b, x, { attributes: { alpha } }) => {
  const stepped = select(
    b,
    zip(b, 'Greater', x, b.scalar(0), 'bool'),
    b.scalar(1),
    b.scalar((alpha as number | undefined) ?? 0),
  );
  return select(b, b.ort('IsNaN', [x], { shape: x.shape, type: 'bool' }), x, stepped);
});

const clip: Lowering = (b, { inputs: { x }, attributes: { clipValueMin, clipValueMax } }) =>
  b.ort(
    'Clip',
    [x, b.scalar(clipValueMin as number, x.type), b.scalar(clipValueMax as number, x.type)],
    x,
    { inPlace: first },
  );

const test =
  (type: 'IsNaN' | 'IsInf'): Lowering =>
  (b, { inputs: { x } }) =>
    b.ort(type, [b.cast(x, 'float32')], { shape: x.shape, type: 'bool' });

/** x - x is 0 for finite x and NaN for all others. */
const isFinite: Lowering = (b, { inputs: { x } }) => {
  const value = b.cast(x, 'float32');
  return zip(b, 'Equal', zip(b, 'Sub', value, value), b.scalar(0), 'bool');
};

const prelu: Lowering = (b, { inputs: { x, alpha } }) => {
  const negative = zip(b, 'Mul', x, alpha);
  return select(b, zip(b, 'GreaterOrEqual', x, b.scalar(0), 'bool'), x, negative);
};

/** dy for y >= 0, else dy (y + 1). */
const eluGrad: Lowering = (b, { inputs: { dy, y } }) => {
  const negative = zip(b, 'Mul', dy, zip(b, 'Add', y, b.scalar(1)));
  return select(b, zip(b, 'GreaterOrEqual', y, b.scalar(0), 'bool'), dy, negative);
};

const addN: Lowering = (b, { inputs }) => Object.values(inputs).reduce((sum, x) => zip(b, 'Add', sum, x));

const selectNode: Lowering = (b, { inputs: { condition, t, e }, outputs: [y] }) => {
  const [yes, no] = castAll(b, [t, e], y.type).map((x) => asBytes(b, x));
  // A vector condition chooses whole rows of the first axis.
  const shape = [...condition.shape, ...Array<number>(t.shape.length - condition.shape.length).fill(1)];
  const chosen = select(b, b.view(b.cast(condition, 'bool'), shape), yes, no);
  return b.view(chosen, y.shape, y.type);
};

const power: Lowering = (b, { inputs: { a, b: exponent }, outputs: [y] }) => {
  const [x, e] = castAll(b, [a, exponent], 'float32');
  return b.cast(zip(b, 'Pow', x, e), y.type);
};

/** Remainder with the sign of the divisor. */
const modulo: Lowering = (b, { inputs: { a, b: other }, outputs: [y] }) => {
  const [x, z] = castAll(b, [a, other], 'float32');
  const whole = map(b, 'Floor', zip(b, 'Div', x, z));
  return b.cast(zip(b, 'Sub', x, zip(b, 'Mul', whole, z)), y.type);
};

const divide: Lowering = (b, { inputs: { a, b: other }, outputs: [y] }) => {
  const [x, z] = castAll(b, [a, other], 'float32');
  return b.cast(zip(b, 'Div', x, z), y.type);
};

export const elementwise: LoweringTable = {
  Abs: unary('Abs'),
  Acos: unary('Acos'),
  Acosh: unary('Acosh'),
  Asin: unary('Asin'),
  Asinh: unary('Asinh'),
  Atan: unary('Atan'),
  Atanh: unary('Atanh'),
  Ceil: throughFloat((b, x) => map(b, 'Ceil', x)),
  ClipByValue: clip,
  Cos: unary('Cos'),
  Cosh: unary('Cosh'),
  Elu: unary('Elu'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Expm1: expm1,
  Floor: throughFloat((b, x) => map(b, 'Floor', x)),
  Identity: (_, { inputs: { x } }) => x,
  IsFinite: isFinite,
  IsInf: test('IsInf'),
  IsNan: test('IsNaN'),
  LeakyRelu: (b, { inputs: { x }, attributes: { alpha } }) =>
    map(b, 'LeakyRelu', b.cast(x, 'float32'), { attributes: { alpha: float((alpha as number | undefined) ?? 0.2) } }),
  Log: unary('Log'),
  Log1p: log1p,
  LogicalNot: unary('Not'),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Relu6: (b, { inputs: { x } }) =>
    b.ort('Clip', [x, b.scalar(0, x.type), b.scalar(6, x.type)], x, { inPlace: first }),
  Round: throughFloat((b, x) => map(b, 'Round', x)),
  Rsqrt: throughFloat((b, x) => map(b, 'Reciprocal', map(b, 'Sqrt', x))),
  Selu: unary('Selu'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Sinh: unary('Sinh'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Square: (b, { inputs: { x } }) => zip(b, 'Mul', x, x),
  Step: step,
  Tan: unary('Tan'),
  Tanh: unary('Tanh'),

  Add: binary('Add'),
  AddN: addN,
  Atan2: atan2,
  BitwiseAnd: binary('BitwiseAnd'),
  FloorDiv: floorDivide,
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Mod: modulo,
  Multiply: binary('Mul'),
  Pow: power,
  RealDiv: divide,
  SquaredDifference: (b, call) => {
    const difference = binary('Sub')(b, call) as Tensor;
    return zip(b, 'Mul', difference, difference);
  },
  Sub: binary('Sub'),

  Equal: compare('Equal'),
  Greater: compare('Greater'),
  GreaterEqual: compare('GreaterOrEqual'),
  Less: compare('Less'),
  LessEqual: compare('LessOrEqual'),
  LogicalAnd: logical('And'),
  LogicalOr: logical('Or'),
  NotEqual: (b, call) => map(b, 'Not', compare('Equal')(b, call) as Tensor),

  Cast: (b, { inputs: { x }, outputs: [y] }) => b.cast(x, y.type),
  EluGrad: eluGrad,
  Prelu: prelu,
  Select: selectNode,
};
