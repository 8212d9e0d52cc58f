import type { Heap, HeapSet } from './heap';
import { instantiate, type KernelExports } from './kernels';
import type { SharedArena } from './memory';
import type { OnnxRuntime } from './onnx-runtime';
import type { RunQueue } from './run-queue';
import type { SessionCache } from './sessions';

/** What the executables of one engine share. */
export interface Runtime {
  readonly runtime: OnnxRuntime;
  readonly sessions: SessionCache;
  readonly heaps: HeapSet;
  readonly memory: SharedArena;
  readonly queue: RunQueue;
}

const instances = new WeakMap<Heap, KernelExports>();

/** The WebAssembly kernels on a heap. */
export function kernelsOn(heap: Heap): KernelExports {
  let exports = instances.get(heap);
  if (!exports) instances.set(heap, (exports = instantiate(heap.memory)));
  return exports;
}
