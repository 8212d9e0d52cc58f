/**
 * Program of a thread that PJRT's key-value callbacks run on, as text, so that the package stays one file.
 *
 * A callback has to block the plugin's thread until the answer is there. koffi runs callbacks on the JavaScript thread
 * that registered them, so that is not the main one, whose event loop must go on (the store's answer comes through it), but
 * this thread. It asks the main thread and sleeps on a shared number until it is answered.
 *
 * `workerData`: `koffi`, the path of its module; `kinds`, the callbacks to register; `layouts`, by kind where the members
 * of its argument struct lie and its size; `port`, on which answers come; `signal`, the number.
 */
export const callbackWorker = `
const { parentPort, workerData, receiveMessageOnPort } = require('node:worker_threads');
const koffi = require(workerData.koffi);
const { kinds, layouts, port } = workerData;
const signal = new Int32Array(workerData.signal);
const libc = koffi.load(null);
const malloc = libc.func('void *malloc(size_t bytes)');
const free = BigInt(libc.symbol('free'));
const callback = koffi.pointer(koffi.proto('void *', ['void *']));
const makeError = koffi.proto('void *', ['int', 'void *', 'size_t']);
const bytesAt = (address, length) => (length === 0 ? new Uint8Array() : new Uint8Array(koffi.view(address, length)).slice());

function ask(request) {
  Atomics.store(signal, 0, 0);
  parentPort.postMessage(request);
  Atomics.wait(signal, 0, 0);
  return receiveMessageOnPort(port).message;
}

function handle(kind, address) {
  const { offsets, size } = layouts[kind];
  const args = new DataView(koffi.view(address, size));
  const pointer = (name) => args.getBigUint64(offsets[name], true);
  const bytes = (name) => bytesAt(pointer(name), Number(pointer(name + '_size')));
  let answer;
  try {
    answer = ask({
      kind,
      key: new TextDecoder().decode(bytes('key')),
      timeoutMs: kind === 'get' ? args.getInt32(offsets.timeout_in_ms, true) : 0,
      value: kind === 'put' ? bytes('value') : undefined,
    });
    if (answer.error === undefined && kind !== 'put') {
      // The receiver frees the value with the function that comes with it.
      const memory = BigInt(malloc(Math.max(1, answer.value.length)));
      new Uint8Array(koffi.view(memory, Math.max(1, answer.value.length))).set(answer.value);
      args.setBigUint64(offsets.value, memory, true);
      args.setBigUint64(offsets.value_size, BigInt(answer.value.length), true);
      args.setBigUint64(offsets.value_deleter_callback, free, true);
    }
  } catch (cause) {
    answer = { error: String(cause), code: 13 };
  }
  if (answer.error === undefined) return null;
  const text = new TextEncoder().encode(answer.error);
  const message = new Uint8Array(new ArrayBuffer(Math.max(1, text.length)));
  message.set(text);
  const make = new DataView(koffi.view(pointer('callback_error'), 8)).getBigUint64(0, true);
  return koffi.decode(make, makeError)(answer.code, koffi.address(message), text.length);
}

const addresses = Object.fromEntries(kinds.map((kind) => [kind, koffi.register((address) => handle(kind, address), callback)]));
parentPort.on('message', () => undefined); // keeps the thread
parentPort.postMessage({ addresses });
`;
