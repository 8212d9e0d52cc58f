import { EngineError } from '../errors';
import { keyLifetime, pollForKey, type KeyValueStore } from './key-value-store';

export interface RedisStoreOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://…` for TLS. */
  readonly url: string;
}

/** A store of this package that holds a connection. */
export interface ClosableStore extends KeyValueStore {
  close(): Promise<void>;
}

/**
 * Keys in Redis (or Valkey, KeyDB), which expire after a week.
 *
 * @throws EngineError - if the package `ioredis` is not installed or the server does not answer.
 */
export async function redisStore({ url }: RedisStoreOptions): Promise<ClosableStore> {
  const { Redis } = await import('ioredis').catch((cause: unknown) => {
    throw new EngineError('the Redis store needs the package ioredis; npm install ioredis', { cause });
  });
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 3 });
  // Failures are told by the commands that suffer from them.
  client.on('error', () => undefined);
  await client.connect().catch((cause: Error) => {
    client.disconnect();
    throw new EngineError(`no Redis answers at ${withoutPassword(url)}: ${cause.message}`, { cause });
  });
  const tryGet = async (key: string): Promise<Uint8Array | undefined> => (await client.getBuffer(key)) ?? undefined;
  return {
    tryGet,
    get: (key, timeoutMs) => pollForKey(tryGet, key, timeoutMs),
    put: async (key, value) => {
      await client.set(key, Buffer.from(value), 'EX', keyLifetime);
    },
    close: async () => {
      await client.quit();
    },
  };
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  return `${url.protocol}//${url.host}${url.pathname}`;
}
