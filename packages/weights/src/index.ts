export { WeightsError } from './errors';
export { atomicWrite, syncFolder } from './files/atomic-write';
export type { Dtype, WeightData } from './files/dtypes';
export { openSafetensors, readSafetensors } from './files/open-safetensors';
export { type OpenOptions, openWeights } from './files/open-weights';
export type { StoredTensor, TensorEntry, WeightsFile } from './files/weights-file';
export { type HostTensor, type LazyTensor, writeSafetensors, type WrittenFile } from './files/write-safetensors';
export { exportOnnx, type OnnxBackbone, type OnnxOptions, type Precision, type WrittenModel } from './onnx';
