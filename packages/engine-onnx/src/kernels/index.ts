import { colorJitter, gaussianBlur } from './augment';
import { columnSums } from './column-sums';
import { crossEntropy, crossEntropyGrad } from './cross-entropy';
import { add, addN, multiply, subtract } from './elementwise';
import { geluGrad } from './gelu';
import type { SimdKernel } from './kernel';
import { layerNorm, layerNormGrad } from './layer-norm';
import { mergeTopK } from './merge-top-k';
import { l2Normalize, l2NormalizeGrad, weightNorm, weightNormGrad } from './normalize';
import { adamW, ema, squaredNorm } from './optimizer';
import { addScaledRows, addScaledRowsGrad, takeRows, takeRowsGrad } from './scaled-rows';
import { sinkhornKnopp } from './sinkhorn-knopp';
import { softmaxGrad } from './softmax-grad';
import { swiglu, swigluGrad } from './swiglu';
import { transpose } from './transpose';

export type { KernelExports } from '../generated/kernels';
export { instantiate, RESERVED_BYTES } from './instantiate';
export type { SimdKernel } from './kernel';

/** Every kernel by the name of the graph op it implements. */
export const simdKernels: ReadonlyMap<string, SimdKernel> = new Map(
  [
    adamW,
    add,
    addN,
    addScaledRows,
    addScaledRowsGrad,
    colorJitter,
    columnSums,
    crossEntropy,
    crossEntropyGrad,
    ema,
    gaussianBlur,
    geluGrad,
    l2Normalize,
    l2NormalizeGrad,
    layerNorm,
    layerNormGrad,
    mergeTopK,
    multiply,
    sinkhornKnopp,
    softmaxGrad,
    squaredNorm,
    subtract,
    swiglu,
    swigluGrad,
    takeRows,
    takeRowsGrad,
    transpose,
    weightNorm,
    weightNormGrad,
  ].map((kernel) => [kernel.name, kernel]),
);
