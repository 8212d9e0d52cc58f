export { exportOnnx, type OnnxOptions } from './export-onnx';
export type { Precision } from './graph';
export { saveTransformersJs, type TransformersJsOptions } from './save-transformers-js';
export type { WrittenModel } from './write-model';
