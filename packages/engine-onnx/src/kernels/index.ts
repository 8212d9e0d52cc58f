import { columnSums } from './column-sums';
import { gelu, geluGrad } from './gelu';
import type { SimdKernel } from './kernel';
import { layerNormGrad } from './layer-norm';
import { adamW, ema, squaredNorm } from './optimizer';
import { softmax, softmaxGrad } from './softmax';

export type { KernelExports } from '../generated/kernels';
export { instantiate, RESERVED_BYTES } from './instantiate';
export type { KernelPointers, SimdKernel } from './kernel';

/** Every kernel by the name of the graph op it implements. */
export const simdKernels: ReadonlyMap<string, SimdKernel> = new Map(
  [
    adamW,
    columnSums,
    ema,
    gelu,
    geluGrad,
    layerNormGrad,
    softmax,
    softmaxGrad,
    squaredNorm,
  ].map((kernel) => [kernel.name, kernel]),
);
