export { CurationError } from './error';
export { memoryVectors } from './vectors/memory-vectors';
export type { Vectors } from './vectors/vectors';
