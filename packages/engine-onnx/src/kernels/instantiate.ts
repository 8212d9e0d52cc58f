import { type KernelExports, wasmBase64 } from '../generated/kernels';

/** Offsets below this one are left free, so that 0 is never a tensor: it stands for an input that is absent. */
export const RESERVED_BYTES = 65536;

let module: WebAssembly.Module | undefined;

/** The kernels working on `memory`. Compiled once per process. */
export function instantiate(memory: WebAssembly.Memory): KernelExports {
  module ??= new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as KernelExports;
}
