import { primitives } from '@dinov2/primitives';
import { attentionOps } from './attention';
import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { flashAttention } from './flash-attention';
import { image } from './image';
import { indexing } from './indexing';
import { linearAlgebra } from './linear-algebra';
import type { LoweringTable } from './lowering';
import { mergeTopK } from './merge-top-k';
import { pooling } from './pooling';
import { reductions } from './reductions';
import { resize } from './resize';
import { rowOps } from './rows';
import { shape } from './shape';

/** How each graph op becomes StableHLO. Primitives that are not here are taken apart into tfjs ops. */
export const lowerings: LoweringTable = {
  ...elementwise,
  ...reductions,
  ...linearAlgebra,
  ...shape,
  ...indexing,
  ...convolution,
  ...pooling,
  ...image,
  ...resize,
  ...rowOps,
  ...attentionOps,
  ...flashAttention,
  MergeTopK: mergeTopK,
};

/** Ops that only move values: those kept in 16 bits are moved as they are. */
export const movesValues: ReadonlySet<string> = new Set([
  'BatchToSpaceND', 'Concat', 'DepthToSpace', 'ExpandDims', 'FlipLeftRight', 'GatherNd', 'GatherV2', 'Identity', 'MirrorPad', 'Pack', 'PadV2',
  'Reshape', 'Reverse', 'Slice', 'SpaceToBatchND', 'SplitV', 'StridedSlice', 'TakeRows', 'Tile', 'Transpose', 'Unpack',
]);

/** Products: their operands are rounded to the type in the attribute `compute`. */
export const isProduct: ReadonlySet<string> = new Set([
  'Attention', 'AttentionGrad', 'BatchMatMul', 'Conv2D', 'Conv2DBackpropFilter', 'Conv2DBackpropInput', 'FlashAttention', 'FlashAttentionGrad', 'Linear',
  '_FusedMatMul',
]);

const inlined: ReadonlySet<string> = new Set(['Linear', 'TakeRows', 'TakeRowsGrad']);

/** Primitives, of which networks repeat the same ones: those that are not very short become functions. */
export const isFunction = (op: string): boolean => (primitives.has(op) && !inlined.has(op)) || op in flashAttention;
