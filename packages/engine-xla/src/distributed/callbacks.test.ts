import koffi from 'koffi';
import { afterAll, describe, expect, it } from 'vitest';
import { keyValueGet, keyValuePut, keyValueTryGet } from '../pjrt/layouts';
import { addressOf, textAt, utf8 } from '../pjrt/memory';
import { decode, encode, layout, type Fields, type Input } from '../pjrt/struct';
import { openCallbacks } from './callbacks';
import { memoryStore } from './memory-store.testing';

const store = memoryStore();
const { callbacks, close } = await openCallbacks(store);
afterAll(() => close());

const callback = koffi.proto('void *', ['void *']);
const errors: { code: number; message: string }[] = [];
/** Stands for the plugin's own function that makes an error. */
const makeError = koffi.register(
  (code: number, message: bigint, size: number) => {
    errors.push({ code, message: textAt(message, Number(size)) });
    return 1n;
  },
  koffi.pointer(koffi.proto('void *', ['int', 'void *', 'size_t'])),
);
const errorFunction = BigUint64Array.of(makeError);

/** Call a C function on a foreign thread, as a plugin does. */
async function call<F extends Fields>(address: bigint, fields: F, values: Input<F>) {
  const bytes = encode(fields, { struct_size: layout(fields).size, callback_error: errorFunction, ...values } as Input<F>);
  const error = await new Promise((resolve, reject) =>
    koffi.decode(address, callback).async(addressOf(bytes), (cause: unknown, result: unknown) => (cause ? reject(cause) : resolve(result))),
  );
  return { error, values: decode(fields, bytes) };
}
const named = (key: string) => ({ key: utf8(key), key_size: key.length });
const put = (key: string, value: Uint8Array) => call(callbacks.put, keyValuePut, { ...named(key), value, value_size: value.length });

async function get(key: string, timeout_in_ms: number): Promise<string | undefined> {
  const { error, values } = await call(callbacks.get, keyValueGet, { ...named(key), timeout_in_ms });
  if (error) return undefined;
  const text = textAt(values.value, values.value_size);
  koffi.decode(values.value_deleter_callback, koffi.proto('void', ['void *']))(values.value);
  return text;
}

describe('openCallbacks', () => {
  it('puts and gets through the store, whose answers are asynchronous', async () => {
    expect((await put('a', utf8('eins'))).error).toBeNull();
    expect(new TextDecoder().decode(store.values.get('a'))).toBe('eins');
    expect(await get('a', 1000)).toBe('eins');
    const { error, values } = await call(callbacks.tryGet, keyValueTryGet, named('a'));
    expect(error).toBeNull();
    expect(textAt(values.value, values.value_size)).toBe('eins');
  });

  it('lets puts pass while a get waits, and the event loop turn', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const waiting = get('later', 5000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(ticks).toBeGreaterThan(5);
    await put('later', utf8('zwei'));
    expect(await waiting).toBe('zwei');
    clearInterval(timer);
  });

  it('tells the plugin of a key that never comes', async () => {
    expect(await get('never', 50)).toBeUndefined();
    expect((await call(callbacks.tryGet, keyValueTryGet, named('never'))).error).not.toBeNull();
  });
});
