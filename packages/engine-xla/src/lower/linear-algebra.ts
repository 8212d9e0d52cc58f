import { backend_util } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors';
import type { Builder } from './builder';
import { elu, leakyRelu, prelu, relu, relu6, sigmoid } from './elementwise';
import { input, operands, output, type Call, type Lowering, type LoweringTable } from './lowering';
import { broadcastShape, range, sizeOf, type ElementType, type Tensor } from './tensor';

/** An operand of a product, rounded to what the node computes with. */
export const operand = (b: Builder, x: Tensor, { compute }: Pick<Call, 'compute'>): Tensor => b.convert(x, compute ?? (x.type === 'i32' ? 'i32' : 'f32'));

/**
 * What a product is to return: the type that its output is kept in if that is what it computes with, so that no
 * float32 result is written only to be narrowed, else float32.
 */
export const productType = (call: Call): ElementType => {
  const { type } = output(call);
  return type === call.compute ? type : type === 'i32' ? 'i32' : 'f32';
};

interface MatMulOptions {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function matMul(b: Builder, call: Call, type: ElementType): Tensor {
  const { transposeA, transposeB } = call.attributes as unknown as MatMulOptions;
  const [x, y] = [operand(b, input(call, 'a'), call), operand(b, input(call, 'b'), call)];
  const lead = broadcastShape(x.shape.slice(0, -2), y.shape.slice(0, -2));
  const contracted = (shape: readonly number[], last: boolean) => shape.length - (last ? 1 : 2);
  // A matrix that all batches share makes one large product.
  if (sizeOf(y.shape.slice(0, -2)) === 1 && x.shape.length - 2 === lead.length) {
    const matrix = b.reshape(y, y.shape.slice(-2));
    const product = { contract: [[contracted(x.shape, !transposeA)], [transposeB ? 1 : 0]] } as const;
    return b.dot(x, matrix, product, type);
  }
  const whole = (matrices: Tensor) => b.broadcast(matrices, [...lead, ...matrices.shape.slice(-2)]);
  const batch = range(lead.length);
  const rank = lead.length + 2;
  return b.dot(whole(x), whole(y), { batch: [batch, batch], contract: [[rank - (transposeA ? 2 : 1)], [rank - (transposeB ? 1 : 2)]] }, type);
}

/** The activations that tfjs fuses into matrix products and convolutions. */
export function activate(b: Builder, x: Tensor, call: Call): Tensor {
  switch (call.attributes.activation ?? 'linear') {
    case 'linear':
      return x;
    case 'relu':
      return relu(b, x);
    case 'relu6':
      return relu6(b, x);
    case 'elu':
      return elu(b, x);
    case 'sigmoid':
      return sigmoid(b, x);
    case 'leakyrelu':
      return leakyRelu(b, x, (call.attributes.leakyreluAlpha as number | undefined) ?? 0.2);
    case 'prelu':
      return prelu(b, x, b.convert(input(call, 'preluActivationWeights'), 'f32'));
    default:
      throw new EngineError(`fused activation ${String(call.attributes.activation)} is not known; apply it as an op of its own.`);
  }
}

const batchMatMul: Lowering = (b, call) => b.reshape(matMul(b, call, productType(call)), output(call).shape);

const fusedMatMul: Lowering = (b, call) => {
  const { bias } = call.inputs;
  if (bias === undefined && (call.attributes.activation ?? 'linear') === 'linear') return batchMatMul(b, call);
  const product = matMul(b, call, 'f32');
  return b.reshape(activate(b, bias ? b.add(product, b.convert(bias, 'f32')) : product, call), output(call).shape);
};

/**
 * Libraries of GPUs add a bias to the sums of a product before they round them, which XLA sees only where both are in
 * the type of the result. Elsewhere the bias is added in float32.
 */
const addsBiasInProduct = ({ target: { platform } }: Call): boolean => platform === 'cuda' || platform === 'rocm';

/** x Wᵀ + bias on the last axis of x. */
const linear: Lowering = (b, call) => {
  const [x, weight] = [operand(b, input(call, 'x'), call), operand(b, input(call, 'weight'), call)];
  const { bias } = call.inputs;
  const axes = { contract: [[x.shape.length - 1], [1]] } as const;
  const type = bias === undefined || addsBiasInProduct(call) ? productType(call) : 'f32';
  const product = b.dot(x, weight, axes, type);
  return bias ? b.add(product, b.convert(bias, type)) : product;
};

/** tfjs writes `...` nowhere, repeats no letter in one operand and takes two operands at most. */
const einsum: Lowering = (b, call) => {
  const tensors = operands(call).map((x) => b.convert(x, 'f32'));
  const { summedDims, idDims } = backend_util.decodeEinsumEquation(call.attributes.equation as string, tensors.length);
  // Letters of one operand alone that the result does not have are summed first.
  const reduced = tensors.map((x, i) => {
    const others = idDims.filter((_, j) => j !== i).flat();
    const gone = idDims[i]!.map((id, axis) => ({ id, axis })).filter(({ id }) => summedDims.includes(id) && !others.includes(id));
    return {
      tensor: b.reduce('add', x, gone.map(({ axis }) => axis)),
      ids: idDims[i]!.filter((id) => !gone.some((g) => g.id === id)),
    };
  });
  const [first, second] = reduced;
  if (second === undefined) return b.transpose(first!.tensor, first!.ids.map((_, i) => first!.ids.indexOf([...first!.ids].sort((p, q) => p - q)[i]!)));
  const shared = first!.ids.filter((id) => second.ids.includes(id));
  const [batch, contracted] = [shared.filter((id) => !summedDims.includes(id)), shared.filter((id) => summedDims.includes(id))];
  const places = (ids: readonly number[]): [number[], number[]] => [ids.map((id) => first!.ids.indexOf(id)), ids.map((id) => second.ids.indexOf(id))];
  const product = b.dot(first!.tensor, second.tensor, { batch: places(batch), contract: places(contracted) });
  const ids = [...batch, ...[...first!.ids, ...second.ids].filter((id) => !shared.includes(id))];
  // tfjs numbers the letters of the result first, in its order.
  return b.transpose(product, [...ids].sort((p, q) => p - q).map((id) => ids.indexOf(id)));
};

export const linearAlgebra: LoweringTable = { BatchMatMul: batchMatMul, Einsum: einsum, Linear: linear, _FusedMatMul: fusedMatMul };
