export { columnSums } from './column-sums';
export { gelu, geluGrad } from './gelu';
export { layerNormGrad } from './layer-norm-grad';
export { adamW, ema, squaredNorm } from './optimizer';
export { mapExp, mapNormalCdf } from './simd-math';
export { softmax, softmaxGrad } from './softmax';
