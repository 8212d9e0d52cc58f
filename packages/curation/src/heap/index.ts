export { generateHeap, type GenerateHeapOptions, type HeapSummary } from './generate-heap';
export type { HeapSettings, HeapShares } from './plan-heap';
export { readTruth, type Truth } from './truth';
