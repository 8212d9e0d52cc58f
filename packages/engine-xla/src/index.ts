export { xlaEngine, type XlaCompiled, type XlaEngine, type XlaEngineOptions } from './engine';
export { EngineError } from './errors';
