import { availableParallelism } from 'node:os';
import type { Engine } from '@dinov2/jit';
import { HeapArray } from './device-array';
import { bytesOf, sizeOf } from './element-type';
import { EngineError } from './errors';
import { HeapExecutable } from './executable';
import { HeapSet, type Block } from './heap';
import { expand, lowerGraph } from './lower-graph';
import { SharedArena } from './memory';
import { OnnxRuntime } from './onnx-runtime';
import { makePlan } from './plan/plan';
import { rematerialize } from './plan/rematerialize';
import { schedule } from './plan/schedule';
import type { Initializer } from './onnx-model';
import type { Storage, Tensor } from './program';
import { RunQueue } from './run-queue';
import type { Runtime } from './runtime';
import { SessionCache } from './sessions';
import { StepSessions } from './step-sessions';

export interface OnnxEngineOptions {
  /** Threads of matrix products and other large kernels. Default: the cores this process may use. */
  readonly threads?: number;
  /**
   * Address space of one heap in bytes, at most 4 GiB (the default). It is reserved, not used:
   * memory is taken page by page. More heaps are added when one is full.
   */
  readonly memoryBytes?: number;
}

/**
 * An engine that runs graphs on ONNX Runtime's CPU kernels and on WebAssembly kernels of its own.
 *
 * A graph becomes a list of kernel calls over one block of memory, with the place of every tensor
 * fixed when it is compiled.
 *
 * @throws EngineError - if ONNX Runtime has no library for this platform, or another engine of this
 * process uses a different number of threads.
 */
export function onnxEngine({ threads = availableParallelism(), memoryBytes }: OnnxEngineOptions = {}): Engine {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new EngineError(`threads is ${threads}; pass a whole number of at least 1.`);
  }
  const onnxRuntime = OnnxRuntime.acquire(threads);
  const heaps = new HeapSet(memoryBytes);
  const runtime: Runtime = {
    runtime: onnxRuntime,
    sessions: new SessionCache(onnxRuntime),
    heaps,
    memory: new SharedArena(heaps),
    queue: new RunQueue(),
  };
  let disposed = false;
  const alive = () => {
    if (disposed) throw new EngineError('the engine was disposed; make another with onnxEngine().');
  };
  return {
    info: {
      name: 'onnx',
      device: `CPU, ${threads} thread${threads === 1 ? '' : 's'}`,
      precision: 'float32',
      runtime: `ONNX Runtime ${onnxRuntime.version}`,
    },
    async compile(graph, { donations }) {
      alive();
      const ordered = schedule(rematerialize(expand(graph), donations), donations);
      const program = lowerGraph(ordered);
      const plan = makePlan(program, donations, heaps.capacity);
      const constants = new Map<Storage, Block>();
      for (const [storage, bytes] of program.constants) {
        if (!plan.places.has(storage)) continue;
        const block = heaps.allocate(bytes.length);
        block.heap.bytes.set(bytes, block.offset);
        constants.set(storage, block);
      }
      const initializer = ({ storage, offset, shape }: Tensor): Initializer => {
        const bytes = program.constants.get(storage) as Uint8Array;
        return { shape, bytes: bytes.subarray(offset, offset + bytesOf(shape, 'float32')) };
      };
      const sessions = new StepSessions(plan.steps, initializer, runtime.sessions);
      return new HeapExecutable(ordered, plan, constants, sessions, new Set(donations.map(([input]) => input)), runtime);
    },
    put(data, shape, dtype) {
      alive();
      if (data.length !== sizeOf(shape)) {
        throw new EngineError(`put: ${data.length} values do not fill the shape (${shape.join(', ')}), which has ${sizeOf(shape)}.`);
      }
      const block = heaps.allocate(bytesOf(shape, dtype));
      block.heap.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), block.offset);
      return new HeapArray(heaps, block, [...shape], dtype);
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      await runtime.queue.idle();
      runtime.sessions.dispose();
      OnnxRuntime.release(onnxRuntime);
    },
  };
}
