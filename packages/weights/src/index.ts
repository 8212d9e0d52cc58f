export { WeightsError } from './errors';
export { atomicWrite, syncFolder } from './files/atomic-write';
export type { Dtype, WeightData } from './files/dtypes';
export { openSafetensors, readSafetensors } from './files/open-safetensors';
export { openWeights } from './files/open-weights';
export type { StoredTensor, TensorEntry, WeightsFile } from './files/weights-file';
export { type HostTensor, type LazyTensor, writeSafetensors, type WrittenFile } from './files/write-safetensors';
