import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder } from '../builder';
import { float } from '../builder';
import { sizeOf } from '../element-type';
import { EngineError } from '../errors';
import type { Tensor } from '../program';
import { map, zip } from './elementwise';
import { transpose, type Call, type Lowering, type LoweringTable } from './lowering';

export interface MatMulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor of the product. */
  readonly alpha?: number;
  readonly into?: Tensor;
}

const swapped = (x: Tensor): number[] => {
  const rank = x.shape.length;
  return Array.from({ length: rank }, (_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
};

/** Batched matrix product; batch axes are broadcast. */
export function matMul(b: Builder, x: Tensor, y: Tensor, options: MatMulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1, into } = options;
  const batchOf = (t: Tensor) => t.shape.slice(0, -2);
  const batch = backend_util.assertAndGetBroadcastShape(batchOf(x), batchOf(y));
  const [rows, inner] = transposeA ? [x.shape.at(-1)!, x.shape.at(-2)!] : [x.shape.at(-2)!, x.shape.at(-1)!];
  const columns = y.shape.at(transposeB ? -2 : -1)!;
  const shape = [...batch, rows, columns];
  if (x.type !== 'float32') {
    // ONNX Runtime multiplies integer matrices only as they are.
    const left = transposeA ? transpose(b, x, swapped(x)) : x;
    const right = transposeB ? transpose(b, y, swapped(y)) : y;
    return b.ort('MatMul', [left, right], { shape, type: x.type }, { into });
  }
  const shared = sizeOf(batchOf(y)) === 1;
  if (shared && (!transposeA || sizeOf(batch) === 1)) {
    // One right-hand side for all of the batch: a single product of all rows.
    const all = sizeOf(batch) * rows;
    const left = b.view(x, transposeA ? [inner, all] : [all, inner]);
    const right = b.view(y, y.shape.slice(-2));
    const target = into && b.view(into, [all, columns]);
    return b.view(gemm(b, left, right, { transposeA, transposeB, alpha, into: target }), shape);
  }
  return fusedMatMul(b, x, y, shape, options);
}

/** Also the fastest for a transposed left side: 5 % over Gemm at the shapes of weight gradients. */
function fusedMatMul(
  b: Builder,
  x: Tensor,
  y: Tensor,
  shape: readonly number[],
  { transposeA = false, transposeB = false, alpha = 1, into }: MatMulOptions,
): Tensor {
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: float(alpha) };
  return b.ort('FusedMatMul', [x, y], { shape, type: 'float32' }, { domain: 'com.microsoft', attributes, into });
}

/** Matrix product, plus a row vector. */
export function gemm(b: Builder, x: Tensor, y: Tensor, options: MatMulOptions & { readonly bias?: Tensor } = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1, bias, into } = options;
  const shape = [x.shape[transposeA ? 1 : 0], y.shape[transposeB ? 0 : 1]];
  if (transposeA && !bias) return fusedMatMul(b, x, y, shape, options);
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: float(alpha) };
  return b.ort('Gemm', bias ? [x, y, bias] : [x, y], { shape, type: 'float32' }, { attributes, into, prepare: [1] });
}

/** The activations that tfjs fuses into matrix products and convolutions. */
export function activate(b: Builder, x: Tensor, { inputs, attributes }: Call): Tensor {
  switch (attributes.activation ?? 'linear') {
    case 'linear':
      return x;
    case 'relu':
      return map(b, 'Relu', x);
    case 'relu6':
      return b.ort('Clip', [x, b.scalar(0), b.scalar(6)], x, { inPlace: [[0, 0]] });
    case 'elu':
      return map(b, 'Elu', x);
    case 'sigmoid':
      return map(b, 'Sigmoid', x);
    case 'leakyrelu':
      return map(b, 'LeakyRelu', x, { attributes: { alpha: float((attributes.leakyreluAlpha as number) ?? 0.2) } });
    case 'prelu': {
      const positive = zip(b, 'GreaterOrEqual', x, b.scalar(0), 'bool');
      return b.ort('Where', [positive, x, zip(b, 'Mul', x, inputs.preluActivationWeights)], x);
    }
    default:
      throw new EngineError(`fused activation ${String(attributes.activation)} is not known; apply it as an op of its own.`);
  }
}

const batchMatMul: Lowering = (b, { inputs: { a, b: other }, attributes, outputs: [y] }) =>
  b.view(matMul(b, a, other, attributes as MatMulOptions), y.shape);

const activatedMatMul: Lowering = (b, call) => {
  const { a, b: other, bias } = call.inputs;
  const { transposeA, transposeB } = call.attributes as MatMulOptions;
  const product = matMul(b, a, other, { transposeA, transposeB });
  return b.view(activate(b, bias ? zip(b, 'Add', product, bias) : product, call), call.outputs[0].shape);
};

/** tfjs writes `...` nowhere and repeats no letter in one operand: ONNX reads the same equation. */
const einsum: Lowering = (b, { inputs, attributes, outputs: [y] }) =>
  b.ort('Einsum', Object.values(inputs), y, { attributes: { equation: attributes.equation as string } });

export const linearAlgebra: LoweringTable = { BatchMatMul: batchMatMul, Einsum: einsum, _FusedMatMul: activatedMatMul };
