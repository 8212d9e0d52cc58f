export { compileAheadOfTime, type AheadOfTime, type AheadOfTimeOptions } from './ahead-of-time';
export type { Collective, CollectiveKind } from './collectives';
export { findPlugins, type FindPluginsOptions, type FoundPlugin, type PluginKind } from './discover';
export { xlaEngine, type XlaCompiled, type XlaEngine, type XlaEngineOptions } from './engine';
export { EngineError } from './errors';
