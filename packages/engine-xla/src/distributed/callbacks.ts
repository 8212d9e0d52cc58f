import { createRequire } from 'node:module';
import { MessageChannel, Worker } from 'node:worker_threads';
import { EngineError } from '../errors';
import type { KeyValueCallbacks } from '../pjrt/client';
import { keyValueGet, keyValuePut, keyValueTryGet } from '../pjrt/layouts';
import { layout } from '../pjrt/struct';
import { callbackWorker } from './callback-worker';
import { StoreTimeout, type KeyValueStore } from './key-value-store';

type Kind = 'get' | 'tryGet' | 'put';

interface Request {
  readonly kind: Kind;
  readonly key: string;
  readonly timeoutMs: number;
  readonly value?: Uint8Array;
}
type Answer = { readonly value?: Uint8Array } | { readonly error: string; readonly code: number };

/** `PJRT_Error_Code`s of answers. */
const deadlineExceeded = 4;
const notFound = 5;
const unavailable = 14;

const layouts: Readonly<Record<Kind, { offsets: Record<string, number>; size: number }>> = Object.fromEntries(
  Object.entries({ get: keyValueGet, tryGet: keyValueTryGet, put: keyValuePut }).map(([kind, fields]) => {
    const { offsets, size } = layout(fields);
    return [kind, { offsets: Object.fromEntries(offsets), size }];
  }),
) as never;

async function answer(store: KeyValueStore, { kind, key, timeoutMs, value }: Request): Promise<Answer> {
  try {
    if (kind === 'get') return { value: await store.get(key, timeoutMs) };
    if (kind === 'put') {
      await store.put(key, value!);
      return {};
    }
    const found = await store.tryGet(key);
    return found ? { value: found } : { error: `the key ${key} has no value yet.`, code: notFound };
  } catch (error) {
    return { error: (error as Error).message, code: error instanceof StoreTimeout ? deadlineExceeded : unavailable };
  }
}

/** A thread that answers some kinds of callbacks, one after the other. */
async function startThread(store: KeyValueStore, kinds: readonly Kind[]): Promise<{ worker: Worker; addresses: Record<Kind, bigint> }> {
  // The CommonJS build has no import.meta.
  const require = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(callbackWorker, {
    eval: true,
    workerData: { koffi: require.resolve('koffi'), kinds, layouts, port: port2, signal: signal.buffer },
    transferList: [port2],
  });
  const addresses = await new Promise<Record<Kind, bigint>>((resolve, reject) => {
    worker.once('message', (message: { addresses: Record<Kind, bigint> }) => resolve(message.addresses));
    worker.once('error', (cause) => reject(new EngineError(`the thread of the key-value callbacks ended: ${cause}`, { cause })));
  });
  worker.on('message', (request: Request) => {
    void answer(store, request).then((reply) => {
      port1.postMessage(reply);
      Atomics.store(signal, 0, 1);
      Atomics.notify(signal, 0);
    });
  });
  worker.once('exit', () => port1.close());
  // Neither keeps a process that has nothing else to do.
  worker.unref();
  port1.unref();
  return { worker, addresses };
}

/**
 * C functions over a store, for `PJRT_Client_Create`. They may be called from any thread until they are closed, but not
 * while the main thread waits for the plugin.
 *
 * A get waits for what another process puts, and so blocks its thread; puts have one of their own, so that they go on
 * meanwhile.
 */
export async function openCallbacks(store: KeyValueStore): Promise<{ callbacks: KeyValueCallbacks; close(): Promise<void> }> {
  const [getting, putting] = await Promise.all([startThread(store, ['get']), startThread(store, ['put', 'tryGet'])]);
  return {
    callbacks: { get: getting.addresses.get, tryGet: putting.addresses.tryGet, put: putting.addresses.put },
    close: async () => {
      await Promise.all([getting.worker.terminate(), putting.worker.terminate()]);
    },
  };
}
