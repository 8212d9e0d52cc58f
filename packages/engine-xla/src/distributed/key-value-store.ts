/** A small shared memory between the processes of a run: a service that the user already has, behind three calls. */
export interface KeyValueStore {
  /** Wait until a key has a value. Rejects with a {@link StoreTimeout} after `timeoutMs`. */
  get(key: string, timeoutMs: number): Promise<Uint8Array>;
  /** The value of a key, `undefined` if it has none yet. */
  tryGet(key: string): Promise<Uint8Array | undefined>;
  /** Set a key, also one that has a value. */
  put(key: string, value: Uint8Array): Promise<void>;
}

/** A key had no value within the time given. */
export class StoreTimeout extends Error {
  override readonly name = 'StoreTimeout';

  constructor(key: string, timeoutMs: number) {
    super(`the key ${key} had no value within ${timeoutMs / 1000} s.`);
  }
}

/** Milliseconds from one look at a key that is waited for to the next; stores are not asked more often, to spare them. */
const longestPause = 200;

/** `get` for stores that are asked again and again. */
export async function pollForKey(tryGet: KeyValueStore['tryGet'], key: string, timeoutMs: number): Promise<Uint8Array> {
  const end = performance.now() + timeoutMs;
  for (let pause = 5; ; pause = Math.min(2 * pause, longestPause)) {
    const value = await tryGet(key);
    if (value !== undefined) return value;
    const rest = end - performance.now();
    if (rest <= 0) throw new StoreTimeout(key, timeoutMs);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, rest)));
  }
}

/** Seconds for which stores keep what a run put: a run reads its keys when it begins, and leaves none behind. */
export const keyLifetime = 7 * 24 * 3600;

/** The same store with all keys below a prefix. */
export const below = (store: KeyValueStore, prefix: string): KeyValueStore => ({
  get: (key, timeoutMs) => store.get(`${prefix}/${key}`, timeoutMs),
  tryGet: (key) => store.tryGet(`${prefix}/${key}`),
  put: (key, value) => store.put(`${prefix}/${key}`, value),
});
