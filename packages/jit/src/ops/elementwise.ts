import { backend_util, util } from '@tensorflow/tfjs-core';
import type { DataType } from '../graph';
import { dims, op, size, type Op, type OpTable, type Specs } from './op';

/** `cost` is operations per element; transcendental functions are counted as 8. */
const unary = (cost: number, dtype?: DataType): Op =>
  op({
    infer: ({ x }: Specs) => ({ shape: x.shape, dtype: dtype ?? x.dtype }),
    flops: ({ x }) => cost * size(x),
  });

const binary = (cost: number, dtype?: DataType): Op =>
  op({
    infer: ({ a, b }: Specs) => ({
      shape: backend_util.assertAndGetBroadcastShape(dims(a), dims(b)),
      dtype: dtype ?? a.dtype,
    }),
    flops: (_, [y]) => cost * size(y),
  });

const transcendental = 8;

export const elementwise: OpTable = {
  Abs: unary(1),
  Acos: unary(transcendental),
  Acosh: unary(transcendental),
  Asin: unary(transcendental),
  Asinh: unary(transcendental),
  Atan: unary(transcendental),
  Atanh: unary(transcendental),
  Ceil: unary(1),
  ClipByValue: unary(2),
  Cos: unary(transcendental),
  Cosh: unary(transcendental),
  Elu: unary(transcendental),
  Erf: unary(transcendental),
  Exp: unary(transcendental, 'float32'),
  Expm1: unary(transcendental),
  Floor: unary(1),
  Identity: unary(0),
  IsFinite: unary(1, 'bool'),
  IsInf: unary(1, 'bool'),
  IsNan: unary(1, 'bool'),
  LeakyRelu: unary(2),
  Log: unary(transcendental),
  Log1p: unary(transcendental),
  LogicalNot: unary(1, 'bool'),
  Neg: unary(1),
  Reciprocal: unary(1),
  Relu: unary(1),
  Relu6: unary(2),
  Round: unary(1),
  Rsqrt: unary(2),
  Selu: unary(transcendental),
  Sigmoid: unary(transcendental),
  Sign: unary(1),
  Sin: unary(transcendental),
  Sinh: unary(transcendental),
  Softplus: unary(2 * transcendental),
  Sqrt: unary(1),
  Square: unary(1),
  Step: unary(1),
  Tan: unary(transcendental),
  Tanh: unary(transcendental),

  Add: binary(1),
  Atan2: binary(transcendental),
  BitwiseAnd: binary(1),
  FloorDiv: binary(1, 'int32'),
  Maximum: binary(1),
  Minimum: binary(1),
  Mod: binary(1),
  Multiply: binary(1),
  Pow: binary(2 * transcendental),
  RealDiv: binary(1),
  SquaredDifference: binary(2),
  Sub: binary(1),

  Equal: binary(1, 'bool'),
  Greater: binary(1, 'bool'),
  GreaterEqual: binary(1, 'bool'),
  Less: binary(1, 'bool'),
  LessEqual: binary(1, 'bool'),
  LogicalAnd: binary(1, 'bool'),
  LogicalOr: binary(1, 'bool'),
  NotEqual: binary(1, 'bool'),

  AddN: op({
    infer: (inputs: Specs) => inputs['0'],
    flops: (inputs, [y]) => (Object.keys(inputs).length - 1) * size(y),
  }),
  Cast: op<{ dtype: DataType }>({ infer: ({ x }, { dtype }) => ({ shape: x.shape, dtype }) }),
  EluGrad: op({ infer: ({ y }: Specs) => y, flops: (_, [y]) => 3 * size(y) }),
  Prelu: op({
    infer: ({ x, alpha }: Specs) => ({
      shape: backend_util.assertAndGetBroadcastShape(dims(x), dims(alpha)),
      dtype: 'float32',
    }),
    flops: (_, [y]) => 2 * size(y),
  }),
  Select: op({
    infer: ({ t, e }: Specs) => {
      util.assertShapesMatch(dims(t), dims(e), 'Select: ');
      return t;
    },
    flops: (_, [y]) => size(y),
  }),
};
