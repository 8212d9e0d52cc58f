export { augmentBatch, normalize, solarize } from './augment-batch';
export { type MaskGrid, maskGrid, sampleBlockMask, sampleExactBlockMask } from './block-mask';
export { type CollatedMasks, collateMasks, type MaskRecipe, maskUpperbound } from './collate-masks';
export { colorJitter } from './color-jitter';
export { AugmentError } from './error';
export { gaussianBlur } from './gaussian-blur';
export { imageNetMean, imageNetStd } from './image-net';
export {
  type ColorParameters,
  type CropParameters,
  type Jitter,
  type JitterOperation,
  jitterOperations,
  type MultiCrop,
  sampleMultiCrop,
} from './multi-crop';
export { augmentColumnCount, augmentColumns, packAugmentParameters } from './parameters';
export { type Preprocessing, type PreprocessingName, preprocessings } from './preprocessing';
export {
  type BlurProbabilities,
  effectiveBlur,
  multiCropRecipe,
  type MultiCropRecipe,
  nominalBlur,
} from './recipe';
export { type ImageSize, type Rectangle, sampleResizedCrop } from './resized-crop';
