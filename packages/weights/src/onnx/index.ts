export { exportOnnx, type OnnxBackbone, type OnnxOptions } from './export-onnx';
export type { Precision } from './graph';
export type { WrittenModel } from './write-model';
