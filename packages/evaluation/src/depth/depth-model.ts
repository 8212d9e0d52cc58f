import type * as tf from '@tensorflow/tfjs-core';
import type { StackedTokens, TokenGrid } from '../dense/features';
import type { Tensors } from '../dense/optimizer';
import type { HostArrays } from '../dense/train-head';

/** Metres between which depth lies. */
export interface DepthRange {
  readonly minDepth: number;
  readonly maxDepth: number;
}

/** A kind of depth head. */
export interface DepthModel {
  /** Fresh weights by the names of the released heads, without `decode_head.`; convolutions in the shapes of PyTorch. */
  initialize(grid: TokenGrid, seed: number): HostArrays;
  /** Depth (B, h, w) in metres of tokens with class tokens, at a multiple of the patch grid. */
  depth(parameters: Tensors, tokens: Required<StackedTokens<tf.Tensor>>, range: DepthRange): tf.Tensor3D;
}
