import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder, Direction } from './builder';
import { input, operands, output, type Call, type Lowering, type LoweringTable } from './lowering';
import { isFloat, numeric, type ElementType, type Tensor } from './tensor';

/** An operation on floats; integers go through float32, as tfjs computes them. */
const float =
  (compute: (b: Builder, x: Tensor, call: Call) => Tensor): Lowering =>
  (b, call) =>
    b.convert(compute(b, b.convert(input(call, 'x'), 'f32'), call), output(call).type);

const named = (operation: string): Lowering => float((b, x) => b.unary(operation, x));

/** An operation that integers have too. */
const exact =
  (compute: (b: Builder, x: Tensor, call: Call) => Tensor): Lowering =>
  (b, call) => {
    const { type } = output(call);
    return b.convert(compute(b, b.convert(input(call, 'x'), numeric(type)), call), type);
  };

const pair = (b: Builder, call: Call, type: ElementType): [Tensor, Tensor] => [b.convert(input(call, 'a'), type), b.convert(input(call, 'b'), type)];

/** Arithmetic in the type of the output. */
const binary =
  (compute: (b: Builder, x: Tensor, y: Tensor) => Tensor): Lowering =>
  (b, call) => {
    const { type } = output(call);
    return b.convert(compute(b, ...pair(b, call, numeric(type))), type);
  };

const compare =
  (direction: Direction): Lowering =>
  (b, call) => {
    const types = [input(call, 'a').type, input(call, 'b').type];
    return b.compare(direction, ...pair(b, call, types.some(isFloat) ? 'f32' : 'i32'));
  };

const logical =
  (operation: 'and' | 'or'): Lowering =>
  (b, call) =>
    b.binary(operation, ...pair(b, call, 'i1'));

/** A quotient by 0 is 0, which is what JavaScript stores of an infinity. */
const integerQuotient = (b: Builder, x: Tensor, y: Tensor): Tensor => {
  const isZero = b.compare('EQ', y, 0);
  return b.select(isZero, b.scalar(0, 'i32'), b.divide(x, b.select(isZero, b.scalar(1, 'i32'), y)));
};

const divide: Lowering = binary((b, x, y) => (isFloat(x.type) ? b.divide(x, y) : integerQuotient(b, x, y)));

/** XLA's integer division is towards zero: one less where signs differ and something is left over. */
const floorDivide: Lowering = (b, call) => {
  if ([input(call, 'a'), input(call, 'b')].some(({ type }) => isFloat(type))) {
    return b.convert(b.unary('stablehlo.floor', b.divide(...pair(b, call, 'f32'))), output(call).type);
  }
  const [x, y] = pair(b, call, 'i32');
  const quotient = integerQuotient(b, x, y);
  const rest = b.subtract(x, b.multiply(quotient, y));
  const apart = b.and(b.compare('NE', rest, 0), b.compare('NE', b.compare('LT', rest, 0), b.compare('LT', y, 0)));
  return b.select(b.and(apart, b.compare('NE', y, 0)), b.plus(quotient, -1), quotient);
};

/** Remainder with the sign of the divisor. */
const modulo: Lowering = binary((b, x, y) => {
  if (!isFloat(x.type)) {
    const isZero = b.compare('EQ', y, 0);
    const divisor = b.select(isZero, b.scalar(1, 'i32'), y);
    return b.select(isZero, b.scalar(0, 'i32'), positiveRemainder(b, x, divisor));
  }
  return positiveRemainder(b, x, y);
});

function positiveRemainder(b: Builder, x: Tensor, y: Tensor): Tensor {
  const rest = b.binary('remainder', x, y);
  const same = b.compare('EQ', b.compare('LT', x, 0), b.compare('LT', y, 0));
  return b.select(same, rest, b.binary('remainder', b.add(rest, y), y));
}

export const relu = (b: Builder, x: Tensor): Tensor => b.maximum(x, b.scalar(0, x.type));
export const relu6 = (b: Builder, x: Tensor): Tensor => b.minimum(relu(b, x), b.scalar(6, x.type));
export const sigmoid = (b: Builder, x: Tensor): Tensor => b.unary('stablehlo.logistic', x);
export const elu = (b: Builder, x: Tensor): Tensor => b.select(b.compare('GE', x, 0), x, b.unary('stablehlo.exponential_minus_one', x));
export const leakyRelu = (b: Builder, x: Tensor, alpha: number): Tensor => b.select(b.compare('LT', x, 0), b.times(x, alpha), x);
export const prelu = (b: Builder, x: Tensor, alpha: Tensor): Tensor => b.select(b.compare('LT', x, 0), b.multiply(x, alpha), x);

const selu = (b: Builder, x: Tensor): Tensor =>
  b.select(b.compare('GE', x, 0), b.times(x, backend_util.SELU_SCALE), b.times(b.unary('stablehlo.exponential_minus_one', x), backend_util.SELU_SCALEALPHA));

/** log(1 + eˣ) that neither overflows nor loses small values. */
const softplus = (b: Builder, x: Tensor): Tensor =>
  b.add(relu(b, x), b.unary('stablehlo.log_plus_one', b.unary('stablehlo.exponential', b.unary('stablehlo.negate', b.unary('stablehlo.abs', x)))));

/** 1 for x > 0, NaN for NaN, else alpha. */
const step = float((b, x, { attributes: { alpha } }) => {
  const stepped = b.select(b.compare('GT', x, 0), b.scalar(1, 'f32'), b.scalar((alpha as number | undefined) ?? 0, 'f32'));
  return b.select(b.compare('NE', x, x), x, stepped);
});

const clip: Lowering = (b, { inputs: { x }, attributes: { clipValueMin, clipValueMax } }) => {
  const [low, high] = [b.scalar(clipValueMin as number, x!.type), b.scalar(clipValueMax as number, x!.type)];
  return b.minimum(b.maximum(x!, low), high);
};

const isInfinite: Lowering = (b, call) => b.compare('EQ', b.unary('stablehlo.abs', b.convert(input(call, 'x'), 'f32')), Infinity);

const isNaN: Lowering = (b, call) => {
  const x = b.convert(input(call, 'x'), 'f32');
  return b.compare('NE', x, x);
};

/** dy for y >= 0, else dy (y + 1). */
const eluGrad: Lowering = (b, { inputs: { dy, y } }) => b.select(b.compare('GE', y!, 0), dy!, b.multiply(dy!, b.plus(y!, 1)));

const select: Lowering = (b, call) => {
  const { type } = output(call);
  const condition = b.convert(input(call, 'condition'), 'i1');
  const [yes, no] = [b.convert(input(call, 't'), type), b.convert(input(call, 'e'), type)];
  // A vector condition chooses whole rows of the first axis.
  const shape = [...condition.shape, ...Array<number>(yes.shape.length - condition.shape.length).fill(1)];
  return b.select(b.reshape(condition, shape), yes, no);
};

const power: Lowering = (b, call) => b.convert(b.binary('power', ...pair(b, call, 'f32')), output(call).type);

export const elementwise: LoweringTable = {
  Abs: exact((b, x) => b.unary('stablehlo.abs', x)),
  Acos: named('chlo.acos'),
  Acosh: named('chlo.acosh'),
  Asin: named('chlo.asin'),
  Asinh: named('chlo.asinh'),
  Atan: named('chlo.atan'),
  Atanh: named('chlo.atanh'),
  Ceil: named('stablehlo.ceil'),
  ClipByValue: clip,
  Cos: named('stablehlo.cosine'),
  Cosh: named('chlo.cosh'),
  Elu: float(elu),
  Erf: named('chlo.erf'),
  Exp: named('stablehlo.exponential'),
  Expm1: named('stablehlo.exponential_minus_one'),
  Floor: named('stablehlo.floor'),
  Identity: (_, call) => input(call, 'x'),
  IsFinite: (b, call) => {
    const x = b.convert(input(call, 'x'), 'f32');
    const result = { shape: x.shape, type: 'i1' } as const;
    return b.emit(`stablehlo.is_finite ${x.name} : (tensor<${[...x.shape, 'f32'].join('x')}>) -> tensor<${[...x.shape, 'i1'].join('x')}>`, result);
  },
  IsInf: isInfinite,
  IsNan: isNaN,
  LeakyRelu: float((b, x, { attributes: { alpha } }) => leakyRelu(b, x, (alpha as number | undefined) ?? 0.2)),
  Log: named('stablehlo.log'),
  Log1p: named('stablehlo.log_plus_one'),
  LogicalNot: (b, call) => b.unary('stablehlo.not', b.convert(input(call, 'x'), 'i1')),
  Neg: exact((b, x) => b.unary('stablehlo.negate', x)),
  Reciprocal: float((b, x) => b.divide(b.scalar(1, 'f32'), x)),
  Relu: exact(relu),
  Relu6: exact(relu6),
  Round: named('stablehlo.round_nearest_even'),
  Rsqrt: named('stablehlo.rsqrt'),
  Selu: float(selu),
  Sigmoid: float(sigmoid),
  Sign: exact((b, x) => b.unary('stablehlo.sign', x)),
  Sin: named('stablehlo.sine'),
  Sinh: named('chlo.sinh'),
  Softplus: float(softplus),
  Sqrt: named('stablehlo.sqrt'),
  Square: exact((b, x) => b.multiply(x, x)),
  Step: step,
  Tan: float((b, x) => b.divide(b.unary('stablehlo.sine', x), b.unary('stablehlo.cosine', x))),
  Tanh: named('stablehlo.tanh'),

  Add: binary((b, x, y) => b.add(x, y)),
  AddN: (b, call) => operands(call).reduce((sum, x) => b.add(sum, x)),
  Atan2: (b, call) => b.convert(b.binary('atan2', ...pair(b, call, 'f32')), output(call).type),
  BitwiseAnd: binary((b, x, y) => b.and(x, y)),
  FloorDiv: floorDivide,
  Maximum: binary((b, x, y) => b.maximum(x, y)),
  Minimum: binary((b, x, y) => b.minimum(x, y)),
  Mod: modulo,
  Multiply: binary((b, x, y) => b.multiply(x, y)),
  Pow: power,
  RealDiv: divide,
  SquaredDifference: binary((b, x, y) => {
    const difference = b.subtract(x, y);
    return b.multiply(difference, difference);
  }),
  Sub: binary((b, x, y) => b.subtract(x, y)),

  Equal: compare('EQ'),
  Greater: compare('GT'),
  GreaterEqual: compare('GE'),
  Less: compare('LT'),
  LessEqual: compare('LE'),
  LogicalAnd: logical('and'),
  LogicalOr: logical('or'),
  NotEqual: compare('NE'),

  Cast: (b, call) => b.convert(input(call, 'x'), output(call).type),
  EluGrad: eluGrad,
  Prelu: (b, { inputs: { x, alpha } }) => prelu(b, b.convert(x!, 'f32'), b.convert(alpha!, 'f32')),
  Select: select,
};
