export { tensorflowEngine, type TensorflowEngineOptions } from './engine';
export { EngineError } from './errors';
export { loadTfjsNode, type TfjsNode } from './tfjs-node';
