export { onnxEngine, type OnnxEngineOptions } from './engine';
export { EngineError } from './errors';
