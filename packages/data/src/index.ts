export { type Dataset, type DatasetOptions, openDataset } from './dataset';
export { decodeImage, type DecodeOptions, type RgbImage } from './decode';
export { type DepthMap, type DepthOptions, readDepth } from './depth';
export type { Describe } from './describe';
export { DataError } from './error';
export {
  type EvaluationBatch,
  type EvaluationOptions,
  loadEvaluationImages,
} from './evaluation-images';
export { openFolder } from './folder-source';
export { openList } from './list-source';
export {
  type Batch,
  createLoader,
  type HostArray,
  type Loader,
  type LoaderOptions,
  type SkippedFile,
} from './loader';
export { type ClassMask, readMask } from './mask';
export { preprocess } from './preprocess';
export { resample, type ResampleTask } from './resample';
export { openRetrievalSet, type QueryGroundTruth, type RetrievalSet } from './retrieval-set';
export { imageFile, readSpan } from './read-span';
export { readSample, type Sample } from './sample';
export { createSampler, type Sampler, type SamplerOptions } from './sampler';
export { openSplits, type Splits, type SplitsOptions } from './splits';
export { type ImageSource, openSource, type Span } from './source';
export { takeImages } from './take-images';
