export { atomicWrite, syncFolder } from './atomic-write';
export type { SafetensorsDtype, WeightData } from './dtypes';
export { WeightsError } from './errors';
export type { TensorEntry } from './header';
export { openSafetensors, readSafetensors, type SafetensorsFile, type StoredTensor } from './read-safetensors';
export { type HostTensor, type LazyTensor, writeSafetensors, type WrittenFile } from './write-safetensors';
