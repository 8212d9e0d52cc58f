import { wasmBase64 } from '../generated/logistic';

let compiled: WebAssembly.Module | undefined;

/** The module of assembly/logistic.ts, compiled once per process. */
export function logisticModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(wasmBase64), (character) => character.charCodeAt(0)));
  return compiled;
}
