import { backend_util } from '@tensorflow/tfjs-core';
import type { HalfType } from '@dinov2/jit';
import { type, type Builder, type OpOptions, type Tensor } from '../builder';
import { sizeOf, type ElementType } from '../element-type';
import { EngineError } from '../errors';
import { activate } from './elementwise';
import { zip, type Call, type Lowering, type LoweringTable } from './lowering';

/** The operands of a product and the type in which it is computed. */
export interface ProductTypes {
  /** The operands are rounded to this type; sums are float32. */
  readonly compute?: HalfType;
  /** What the result is wanted in. */
  readonly result: ElementType;
}

/** How the products of a node are to be computed, by its precision policy. */
export const productTypes = ({ attributes, outputs }: Call, output = 0): ProductTypes => ({
  compute: attributes.compute as HalfType | undefined,
  result: outputs[output].type,
});

/**
 * Operands as a product wants them: in 16 bits where the result is to be that too and there are
 * kernels for it, else rounded to 16 bits and in float32, so that nothing is rounded but the operands.
 */
export function operands(b: Builder, tensors: readonly Tensor[], { compute, result }: ProductTypes): Tensor[] {
  if (compute === undefined) return tensors.map((x) => (x.type === 'int32' ? x : b.cast(x, 'float32')));
  const rounded = tensors.map((x) => b.cast(x, compute));
  return b.options.halfKernels && result === compute ? rounded : rounded.map((x) => b.cast(x, 'float32'));
}

export interface MatMulOptions extends OpOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly types?: ProductTypes;
}

/** Batched matrix product; batch axes are broadcast. */
export function matMul(b: Builder, a: Tensor, other: Tensor, options: MatMulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, types = { result: 'float32' }, after } = options;
  const [x, y] = operands(b, [a, other], types);
  const batchOf = (t: Tensor) => t.shape.slice(0, -2);
  const batch = backend_util.assertAndGetBroadcastShape(batchOf(x), batchOf(y));
  const [rows, inner] = transposeA ? [x.shape.at(-1)!, x.shape.at(-2)!] : [x.shape.at(-2)!, x.shape.at(-1)!];
  const columns = y.shape.at(transposeB ? -2 : -1)!;
  const shape = [...batch, rows, columns];
  if (sizeOf(batchOf(y)) === 1 && (!transposeA || sizeOf(batch) === 1)) {
    // One right-hand side for all of the batch: a single product of all rows.
    const all = sizeOf(batch) * rows;
    const left = b.reshape(x, transposeA ? [inner, all] : [all, inner]);
    const right = b.reshape(y, y.shape.slice(-2));
    const attributes = { T: type(x), transpose_a: { b: transposeA }, transpose_b: { b: transposeB } };
    return b.reshape(b.op('MatMul', [left, right], { shape: [all, columns], type: x.type }, attributes, { after }), shape);
  }
  const attributes = { T: type(x), adj_x: { b: transposeA }, adj_y: { b: transposeB } };
  return b.op('BatchMatMulV2', [x, y], { shape, type: x.type }, attributes, { after });
}

/** Add a vector to the last axis. */
const addBias = (b: Builder, x: Tensor, bias: Tensor): Tensor =>
  b.op('BiasAdd', [x, b.reshape(b.cast(bias, x.type), [sizeOf(bias.shape)])], x, { T: type(x) });

export function activated(b: Builder, x: Tensor, call: Call): Tensor {
  const y = activate(b, b.cast(x, 'float32'), call);
  if (y) return y;
  throw new EngineError(`fused activation ${String(call.attributes.activation)} is not known; apply it as an op of its own.`);
}

const transposed = ({ attributes }: Call) => ({
  transposeA: attributes.transposeA === true,
  transposeB: attributes.transposeB === true,
});

const batchMatMul: Lowering = (b, call) =>
  b.reshape(matMul(b, call.inputs.a, call.inputs.b, { ...transposed(call), types: productTypes(call) }), call.outputs[0].shape);

const fusedMatMul: Lowering = (b, call) => {
  const { a, b: other, bias } = call.inputs;
  const product = matMul(b, a, other, { ...transposed(call), types: { ...productTypes(call), result: 'float32' } });
  const sum = bias === undefined ? product : zip(b, 'AddV2', product, b.cast(bias, product.type));
  return b.reshape(activated(b, sum, call), call.outputs[0].shape);
};

const linear: Lowering = (b, call) => {
  const { x, weight, bias } = call.inputs;
  const product = matMul(b, x, weight, { transposeB: true, types: productTypes(call) });
  return bias === undefined ? product : addBias(b, product, bias);
};

/** tfjs writes `...` nowhere and repeats no letter in one operand: TensorFlow reads the same equation. */
const einsum: Lowering = (b, { inputs, attributes, outputs: [y] }) => {
  const terms = Object.values(inputs).map((x) => b.cast(x, 'float32'));
  return b.op('Einsum', terms, y, { N: { i: terms.length }, T: type('float32'), equation: { s: attributes.equation as string } });
};

export const linearAlgebra: LoweringTable = { BatchMatMul: batchMatMul, Einsum: einsum, Linear: linear, _FusedMatMul: fusedMatMul };
