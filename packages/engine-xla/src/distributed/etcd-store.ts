import { EngineError } from '../errors';
import { keyLifetime, pollForKey, type KeyValueStore } from './key-value-store';

export interface EtcdStoreOptions {
  /** Members of the cluster, tried in order: `http://10.0.0.1:2379`. */
  readonly endpoints: readonly string[];
  /** Where the cluster asks for them. */
  readonly user?: { readonly name: string; readonly password: string };
}

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');

/**
 * Keys in etcd 3.4 or later, which expire after a week, through the JSON gateway that every member serves.
 *
 * @throws EngineError - if no member answers.
 */
export async function etcdStore({ endpoints, user }: EtcdStoreOptions): Promise<KeyValueStore> {
  let token: string | undefined;
  let lease: { readonly id: string; readonly renewAt: number } | undefined;

  const post = async <T>(path: string, body: object): Promise<T> => {
    const failures: string[] = [];
    for (const endpoint of endpoints) {
      let response: Response;
      try {
        response = await fetch(new URL(`/v3/${path}`, endpoint), {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: token }) },
          signal: AbortSignal.timeout(5000),
        });
      } catch (cause) {
        failures.push(`${endpoint}: ${((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message}`);
        continue;
      }
      if (response.ok) return (await response.json()) as T;
      failures.push(`${endpoint}: ${response.status} ${(await response.text()).trim()}`);
    }
    throw new EngineError(`etcd does not answer ${path}. ${failures.join('; ')}`);
  };

  const login = async (): Promise<void> => {
    if (!user) return;
    token = undefined;
    ({ token } = await post<{ token: string }>('auth/authenticate', user));
  };

  /** Tokens expire: a call that is refused is made once more with a new one. */
  const call = async <T>(path: string, body: object): Promise<T> => {
    try {
      return await post<T>(path, body);
    } catch (error) {
      if (!user || !/auth token/.test((error as Error).message)) throw error;
      await login();
      return post<T>(path, body);
    }
  };

  const leaseId = async (): Promise<string> => {
    if (!lease || performance.now() > lease.renewAt) {
      const { ID } = await call<{ ID: string }>('lease/grant', { TTL: keyLifetime });
      lease = { id: ID, renewAt: performance.now() + keyLifetime * 500 };
    }
    return lease.id;
  };

  const tryGet = async (key: string): Promise<Uint8Array | undefined> => {
    // A value of no bytes is left out of the answer.
    const { kvs } = await call<{ kvs?: { value?: string }[] }>('kv/range', { key: base64(key) });
    return kvs?.[0] && Buffer.from(kvs[0].value ?? '', 'base64');
  };

  await login();
  await leaseId();
  return {
    tryGet,
    get: (key, timeoutMs) => pollForKey(tryGet, key, timeoutMs),
    put: async (key, value) => {
      await call('kv/put', { key: base64(key), value: base64(value), lease: await leaseId() });
    },
  };
}
