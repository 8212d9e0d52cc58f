export { compileAheadOfTime, type AheadOfTime, type AheadOfTimeOptions } from './ahead-of-time';
export type { Collective, CollectiveKind } from './collectives';
export { findPlugins, type FindPluginsOptions, type FoundPlugin, type PluginKind } from './discover';
export { etcdStore, type EtcdStoreOptions } from './distributed/etcd-store';
export type { KeyValueStore } from './distributed/key-value-store';
export type { DistributedOptions } from './distributed/membership';
export { redisStore, type ClosableStore, type RedisStoreOptions } from './distributed/redis-store';
export { xlaEngine, type XlaCompiled, type XlaEngine, type XlaEngineOptions } from './engine';
export { EngineError } from './errors';
