import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, type Graph, type MemoryReport, peakBytes } from '@dinov2/jit';
import { TensorflowArray } from './device-array';
import { bytesOf, sizeOf } from './element-type';
import { EngineError } from './errors';
import { TensorflowExecutable } from './executable';
import { writeProgram } from './program';
import { RunQueue } from './run-queue';
import { onTensorflow, type Runtime } from './runtime';
import { Session } from './session';
import { Storage } from './storage';
import { loadTfjsNode, type TfjsNode } from './tfjs-node';

export interface TensorflowEngineOptions {
  /** The module `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`. Default: {@link loadTfjsNode}. */
  readonly tf?: TfjsNode;
  /**
   * Most bytes of attention probabilities (batch × heads × tokens × tokens) held at once; larger ones are
   * computed in parts of the batch, one after the other. Default: 64 MiB on a CPU, 512 MiB on a GPU.
   */
  readonly attentionBytes?: number;
  /**
   * Run products whose result is stored in 16 bits on kernels of that type, instead of rounding their operands and
   * multiplying in float32. Default: on a GPU.
   */
  readonly halfKernels?: boolean;
  /**
   * Let TensorFlow compile clusters of the graph with XLA, if its library has it. TensorFlow decides once per process,
   * so that this counts only for the first engine, and not if tfjs-node ran something before. Default: false.
   */
  readonly xla?: boolean;
}

/** Cluster everywhere; by itself TensorFlow would leave the CPU out. */
const xlaFlags = '--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit';

/** What the backend of tfjs-node says of itself. */
interface Backend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

const gibibyte = 2 ** 30;

/**
 * An engine that runs graphs in the TensorFlow of `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`.
 *
 * A graph becomes one TensorFlow graph. What is donated lives in its variables on the device: a training
 * step feeds its batch and fetches its metrics.
 *
 * A run blocks the thread until TensorFlow is done, because tfjs-node's call does.
 *
 * @throws EngineError - if tfjs-node is not installed or does not load; says how to build it.
 */
export async function tensorflowEngine({ tf: given, attentionBytes, halfKernels, xla = false }: TensorflowEngineOptions = {}): Promise<Engine> {
  if (xla) process.env.TF_XLA_FLAGS = [process.env.TF_XLA_FLAGS, xlaFlags].filter(Boolean).join(' ');
  const tf = given ?? (await loadTfjsNode());
  const backend = onTensorflow({ tf }, () => tf.backend()) as Backend;
  const gpu = backend.isUsingGpuDevice;
  const runtime: Runtime = { tf, queue: new RunQueue(), folder: await mkdtemp(join(tmpdir(), 'dinov2-tensorflow-')) };
  const options = { halfKernels: halfKernels ?? gpu, attentionBytes: attentionBytes ?? gibibyte / (gpu ? 2 : 16) };
  const sweep = () => rmSync(runtime.folder, { recursive: true, force: true });
  process.once('exit', sweep);
  const executables = new Set<TensorflowExecutable>();
  let disposed = false;
  const alive = () => {
    if (disposed) throw new EngineError('the engine was disposed; make another with tensorflowEngine().');
  };
  return {
    info: {
      name: 'tensorflow',
      device: gpu ? 'GPU' : `CPU, ${availableParallelism()} threads`,
      precision: 'float32',
      runtime: `TensorFlow ${backend.binding.TF_Version} in tfjs-node ${tf.version['tfjs-node']}`,
    },
    async compile(graph, { donations }) {
      alive();
      const { nodes, layout, constants } = writeProgram(graph, donations, options);
      const session = await Session.create(runtime, nodes);
      const executable = new TensorflowExecutable(graph, layout, session, memoryOf(graph, donations), runtime, (unloaded) => executables.delete(unloaded));
      await runtime.queue.add(() => executable.initialize(constants));
      executables.add(executable);
      return executable;
    },
    put(data, shape, dtype) {
      alive();
      if (data.length !== sizeOf(shape)) {
        throw new EngineError(`put: ${data.length} values do not fill the shape (${shape.join(', ')}), which has ${sizeOf(shape)}.`);
      }
      return new TensorflowArray(new Storage(runtime, [...shape], dtype, data.slice()));
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      for (const executable of executables) await executable.unload();
      await runtime.queue.idle();
      process.off('exit', sweep);
      await rm(runtime.folder, { recursive: true, force: true });
    },
  };
}

/** What a graph holds if TensorFlow runs it in the order of its nodes; it may run branches side by side. */
function memoryOf(graph: Graph, donations: readonly (readonly [number, number])[]): MemoryReport {
  const borrowed = new Set([...graph.inputs, ...graph.outputs]);
  const replaced = new Set(donations.map(([, output]) => output));
  const sum = (values: Graph['inputs']) => values.reduce((total, value) => total + bytesOf(value.shape, value.dtype), 0);
  return {
    temporary: peakBytes(graph, (value) => !borrowed.has(value)),
    inputs: sum(graph.inputs),
    outputs: sum(graph.outputs.filter((_, i) => !replaced.has(i))),
  };
}
