import type { Attributes } from '@dinov2/primitives';
import type { Builder, Spec } from '../builder';
import type { ElementType } from '../element-type';
import type { Tensor } from '../program';

/** One graph node with its inputs already lowered. */
export interface Call {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly attributes: Attributes;
  readonly outputs: readonly (Spec & { readonly dtype: 'float32' | 'int32' | 'bool' })[];
}

/** Append the steps of one node and return its outputs. */
export type Lowering = (builder: Builder, call: Call) => Tensor | Tensor[];
export type LoweringTable = Readonly<Record<string, Lowering>>;

/** Permute axes; a view if only axes of length 1 move. */
export function transpose(b: Builder, x: Tensor, perm: readonly number[]): Tensor {
  const shape = perm.map((axis) => x.shape[axis]);
  const long = perm.filter((axis) => x.shape[axis] !== 1);
  if (long.every((axis, i) => i === 0 || long[i - 1] < axis)) return b.view(x, shape);
  if (x.type === 'float32' || x.type === 'int32') {
    const moved = b.simd('Transpose', { x }, [{ shape, dtype: x.type }], { perm: [...perm] });
    if (moved) return moved[0];
  }
  return b.ort('Transpose', [x], { shape, type: x.type }, { attributes: { perm } });
}

export const withAxis = (shape: readonly number[], axis: number, length: number): number[] => [...shape].with(axis, length);

/** The operands in the output's type, as tfjs's mixed-type arithmetic means them. */
export const castAll = (b: Builder, tensors: readonly Tensor[], type: ElementType): Tensor[] =>
  tensors.map((tensor) => b.cast(tensor, type));

/** ONNX Runtime moves bytes of bool only through its uint8 kernels in some operators. */
export const asBytes = (b: Builder, x: Tensor): Tensor => (x.type === 'bool' ? b.view(x, x.shape, 'uint8') : x);
