export { adamW, type AdamWOptions, type AdamWState } from './adamw';
export { addScaledRows, type AddScaledRowsOptions } from './add-scaled-rows';
export { attention, type AttentionOptions, selfAttention, type SelfAttentionOptions } from './attention';
export {
  type Attributes,
  type Cost,
  definePrimitive,
  type Primitive,
  type PrimitiveDefinition,
  primitives,
  runPrimitive,
  type TensorSpec,
} from './define';
export { distillationCrossEntropy } from './distillation-cross-entropy';
export { type Distribution, drawFloats } from './draw-floats';
export { ema } from './ema';
export { PrimitiveError } from './error';
export { maximumFloat16, readFloat16, writeFloat16 } from './float16';
export { gelu } from './gelu';
export { l2Normalize } from './l2-normalize';
export { layerNorm } from './layer-norm';
export { linear } from './linear';
export { mergeTopK, type ScoreRange, type TopK } from './merge-top-k';
export { cellDistance, fractalNoise, valueNoise, whiteNoise } from './noise';
export { createRandom, type Random, type RandomState } from './random';
export { resampleBicubic, type ResampleBicubicOptions } from './resample-bicubic';
export { rotaryEmbedding, type Rotation } from './rotary-embedding';
export { acrossShards } from './shard-mean';
export { sinkhornKnopp, type SinkhornKnoppOptions } from './sinkhorn-knopp';
export { squaredNorm } from './squared-norm';
export { swiglu } from './swiglu';
export { takeRows } from './take-rows';
export { weightNorm } from './weight-norm';
