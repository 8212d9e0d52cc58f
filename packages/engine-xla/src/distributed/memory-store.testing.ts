import { pollForKey, type KeyValueStore } from './key-value-store';

/** A store within one process. */
export function memoryStore(): KeyValueStore & { readonly values: Map<string, Uint8Array> } {
  const values = new Map<string, Uint8Array>();
  const tryGet = async (key: string) => values.get(key);
  return { values, tryGet, get: (key, timeoutMs) => pollForKey(tryGet, key, timeoutMs), put: async (key, value) => void values.set(key, value) };
}
