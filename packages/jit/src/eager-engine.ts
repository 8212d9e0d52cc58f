import * as tf from '@tensorflow/tfjs-core';
import { primitives, runPrimitive } from '@dinov2/primitives';
import { nodeFlops } from './cost';
import type { CompileOptions, DeviceArray, Engine, Executable, ProfileEntry } from './engine';
import { JitError } from './errors';
import { bytes, type DataType, type Graph, type Node, typedArray, type TypedArray, type Value } from './graph';
import { lastUses, peakBytes } from './liveness';
import { isList } from './ops';
import { aggregateProfile } from './profile';

export interface EagerEngineOptions {
  /** Name of a registered tfjs backend. Default: whichever is current at each run. */
  readonly backend?: string;
}

class EagerArray implements DeviceArray {
  constructor(
    readonly tensor: tf.Tensor,
    readonly dtype: DataType,
  ) {}

  get shape(): readonly number[] {
    return this.tensor.shape;
  }

  get isDisposed(): boolean {
    return this.tensor.isDisposed;
  }

  async data(): Promise<TypedArray> {
    // Some kernels keep int32 or bool in another array type than tfjs promises.
    return typedArray((await this.tensor.data()).slice(), this.dtype);
  }

  dispose(): void {
    this.tensor.dispose();
  }
}

function tensorOf(array: DeviceArray): tf.Tensor {
  if (!(array instanceof EagerArray)) {
    throw new JitError('An array of another engine was passed to the eager engine. Read its data() and pass that as {data, shape}.');
  }
  if (array.isDisposed) {
    throw new JitError(`An array (${array.shape.join(', ')}) was used after it was disposed or donated.`);
  }
  return array.tensor;
}

/** Run `fn`, which must not wait, with `name` as tfjs's backend. */
function onBackend<T>(name: string | undefined, fn: () => T): T {
  const previous = tf.getBackend();
  if (name === undefined || name === previous) return fn();
  if (tf.engine().findBackend(name) === null) {
    throw new JitError(
      `The tfjs backend "${name}" is not registered or not initialised. Import its package and await tf.setBackend('${name}') once.`,
    );
  }
  void tf.setBackend(name);
  try {
    return fn();
  } finally {
    if (previous !== null && previous !== undefined) void tf.setBackend(previous);
  }
}

const sameShape = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((d, i) => d === b[i]);

function runNode(node: Node, inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor[] {
  const primitive = primitives.get(node.op);
  if (primitive !== undefined) {
    const given = new Set(Object.values(inputs));
    // A fallback may return an input as it is; what is freed after use must be the graph's own.
    return runPrimitive(primitive, inputs, node.attributes).map((y) => (given.has(y) ? y.clone() : y));
  }
  if (tf.getKernel(node.op, tf.getBackend()) === undefined) {
    throw new JitError(
      `The tfjs backend "${tf.getBackend()}" has no kernel ${node.op}${node.source === undefined ? '' : `, called at ${node.source}`}. Use another backend: eagerEngine({ backend: 'cpu' }).`,
    );
  }
  const result = tf.engine().runKernel(
    node.op,
    (isList(inputs) ? Object.values(inputs) : inputs) as tf.NamedTensorMap,
    node.attributes as tf.NamedAttrMap,
  );
  return Array.isArray(result) ? result : [result];
}

class EagerExecutable implements Executable {
  readonly memory;
  private readonly dying: Value[][];
  private readonly constants = new Map<Value, tf.Tensor>();
  private readonly donated: Set<Value>;

  constructor(
    private readonly graph: Graph,
    private readonly backend: string | undefined,
    { donations }: CompileOptions,
  ) {
    this.dying = lastUses(graph);
    this.donated = new Set(donations.map(([input]) => graph.inputs[input]));
    const replaced = new Set(donations.map(([, output]) => output));
    const borrowed = new Set([...graph.inputs, ...graph.outputs, ...graph.constants.keys()]);
    this.memory = {
      temporary: peakBytes(graph, (value) => !borrowed.has(value)),
      inputs: graph.inputs.reduce((sum, value) => sum + bytes(value), 0),
      outputs: graph.outputs.reduce((sum, value, i) => sum + (replaced.has(i) ? 0 : bytes(value)), 0),
    };
    onBackend(backend, () => {
      for (const [value, data] of graph.constants) {
        this.constants.set(value, tf.keep(tf.tensor(data.slice(), [...value.shape], value.dtype)));
      }
    });
  }

  async run(inputs: readonly DeviceArray[]): Promise<DeviceArray[]> {
    return this.replay(inputs);
  }

  async profile(inputs: readonly DeviceArray[]): Promise<{ outputs: DeviceArray[]; entries: ProfileEntry[] }> {
    const entries: ProfileEntry[] = [];
    const outputs = this.replay(inputs, (node, milliseconds) =>
      entries.push({
        op: node.op,
        kernel: `tfjs:${this.backend ?? tf.getBackend()}`,
        scope: node.scope ?? '',
        calls: 1,
        milliseconds,
        flops: nodeFlops(node),
      }),
    );
    return { outputs, entries: aggregateProfile(entries) };
  }

  private replay(
    inputs: readonly DeviceArray[],
    observe?: (node: Node, milliseconds: number) => void,
  ): DeviceArray[] {
    const { graph } = this;
    const tensors = new Map<Value, tf.Tensor>(this.constants);
    graph.inputs.forEach((value, i) => tensors.set(value, tensorOf(inputs[i])));
    const own = new Set<Value>();
    const free = (value: Value) => {
      if (!own.has(value) && !this.donated.has(value)) return;
      own.delete(value);
      tensors.get(value)?.dispose();
    };
    return onBackend(this.backend, () => {
      try {
        graph.nodes.forEach((node, i) => {
          const start = performance.now();
          const results = runNode(
            node,
            Object.fromEntries(Object.entries(node.inputs).map(([key, v]) => [key, tensors.get(v) as tf.Tensor])),
          );
          node.outputs.forEach((value, j) => {
            const result = tf.keep(results[j]);
            tensors.set(value, result);
            own.add(value);
            if (!sameShape(result.shape, value.shape) || result.dtype !== value.dtype) {
              throw new JitError(
                `${node.op} was inferred to return ${value.dtype} (${value.shape}) but the backend "${tf.getBackend()}" returned ${result.dtype} (${result.shape}).`,
              );
            }
          });
          observe?.(node, performance.now() - start);
          this.dying[i].forEach(free);
        });
      } catch (error) {
        own.forEach((value) => tensors.get(value)?.dispose());
        throw error;
      }
      this.donated.forEach((value) => tensors.get(value)?.dispose());
      return graph.outputs.map((value) => new EagerArray(tensors.get(value) as tf.Tensor, value.dtype));
    });
  }

  dispose(): void {
    for (const tensor of this.constants.values()) tensor.dispose();
  }
}

/**
 * An engine that replays a graph kernel by kernel on a tfjs backend.
 *
 * It is the reference the other engines are tested against, the fallback in a browser, and the way
 * to run on `@tensorflow/tfjs-node`. Tensors are freed after their last use.
 */
export function eagerEngine({ backend }: EagerEngineOptions = {}): Engine {
  return {
    info: {
      name: 'eager',
      device: `tfjs backend ${backend ?? tf.getBackend() ?? '(current)'}`,
      precision: 'float32',
      runtime: `@tensorflow/tfjs-core ${tf.version_core}`,
    },
    async compile(graph, options) {
      if (backend !== undefined && tf.engine().findBackend(backend) === null) {
        const previous = tf.getBackend();
        if (!(await tf.setBackend(backend))) {
          throw new JitError(`The tfjs backend "${backend}" could not be initialised.`);
        }
        if (previous !== null && previous !== undefined) await tf.setBackend(previous);
      }
      return new EagerExecutable(graph, backend, options);
    },
    put(data, shape, dtype) {
      return onBackend(
        backend,
        () => new EagerArray(tf.keep(tf.tensor(data.slice(), [...shape], dtype)), dtype),
      );
    },
    async dispose() {},
  };
}
