export { WeightsError } from './errors';
export { atomicWrite, syncFolder } from './files/atomic-write';
export type { Dtype, WeightData } from './files/dtypes';
export { openSafetensors, readSafetensors } from './files/open-safetensors';
export { type OpenOptions, openWeights } from './files/open-weights';
export type { StoredTensor, TensorEntry, WeightsFile } from './files/weights-file';
export { type HostTensor, type LazyTensor, writeSafetensors, type WrittenFile } from './files/write-safetensors';
export type { LayoutName } from './layouts/layout';
export { type LoadOptions, loadPretrained, type Pretrained } from './load-pretrained';
export {
  exportOnnx,
  type OnnxOptions,
  type Precision,
  saveTransformersJs,
  type TransformersJsOptions,
  type WrittenModel,
} from './onnx';
export { saveBackbone, type SavedModel } from './save-backbone';
export { saveHuggingFace, type SavedFolder } from './save-hugging-face';
export { VisionTransformer } from './vision-transformer';
