export type { DensePrecision } from './cache/record';
export { createExtractor, type ExtractorOptions } from './create-extractor';
export { FeaturesError } from './error';
export { extractFeatures, type ExtractOptions } from './extract-features';
export { pixelExtractor, type PixelOptions } from './pixel-extractor';
export { ProgressMeter } from './progress-meter';
export { randomBackbone } from './random-backbone';
export type { Backbone, Extractor, ExtractProgress, FeatureTable, Outputs, Tokens } from './types';
