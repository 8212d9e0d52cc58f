import * as tf from '@tensorflow/tfjs-core';
import { type Attributes, primitives, type TensorSpec } from '@dinov2/primitives';
import { JitError } from '../errors';
import { type DataType, typedArray, type TypedArray, type Value } from '../graph';
import { ops } from '../ops';
import type { Op } from '../ops/op';
import type { Recorder } from './recorder';
import { session } from './session';
import { callSite, randomOp } from './source';

export const backendName = 'dinov2-trace';

/** Largest tensor that may be baked into a graph as a constant. */
const maxConstantBytes = 64 * 1024;

/** Uniform data of at most this many elements stays a constant; above, it becomes a `Fill` node. */
const maxUniformConstant = 64;

/** ` at file:line:column` of the user's code that is running. */
const here = (): string => {
  const place = callSite();
  return place === undefined ? '' : ` at ${place}`;
};

function recorder(): Recorder {
  if (session.recorder === undefined) {
    throw new JitError(
      `The "${backendName}" backend only works inside jit(). Choose another with tf.setBackend, e.g. 'cpu' or 'wasm'.`,
    );
  }
  return session.recorder;
}

const describe = ({ shape, dtype }: { shape: readonly number[]; dtype: string }) => `(${shape.join(', ')}) ${dtype}`;

function supported(dtype: string, what: string): DataType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new JitError(
    `${what} has type ${dtype}${here()}; a compiled function works on float32, int32 and bool tensors.`,
  );
}

/** Whether all elements have the same bits. A plain loop: tfjs writes ones of every size for its gradients. */
function isUniform(data: TypedArray): boolean {
  const bits = data instanceof Float32Array ? new Int32Array(data.buffer, data.byteOffset, data.length) : data;
  for (let i = 1; i < bits.length; i++) if (bits[i] !== bits[0]) return false;
  return true;
}

/** A constant of the graph for host data; `owner` says whose it is in the error about its size. */
function constant(data: TypedArray, shape: readonly number[], dtype: DataType, owner: string): Value {
  const graph = recorder();
  if (data.length > maxUniformConstant && isUniform(data)) {
    return graph.node('Fill', {}, { shape: [...shape], value: data[0], dtype }, [{ shape, dtype }])[0];
  }
  if (data.byteLength > maxConstantBytes) {
    throw new JitError(
      `${owner} of ${describe({ shape, dtype })}, ${Math.ceil(data.byteLength / 1024)} KiB, would be baked into the graph${here()}; ` +
        `at most ${maxConstantBytes / 1024} KiB may. Pass it to the compiled function as an argument.`,
    );
  }
  return graph.constant(data.slice(), shape, dtype);
}

interface DataInfo {
  backend: tf.KernelBackend;
  shape: number[];
  dtype: tf.DataType;
}

interface EngineState {
  tensorInfo: WeakMap<object, DataInfo>;
}

/** The graph value of a tensor: recorded, or captured from outside the traced function. */
export function valueOf(tensor: tf.TensorInfo): Value {
  const graph = recorder();
  const known = graph.references.get(tensor.dataId);
  if (known !== undefined) return known.value;

  const variable = session.outerVariables.find((v) => v.dataId === tensor.dataId);
  if (variable !== undefined) {
    throw new JitError(
      `The variable "${variable.name}" ${describe(variable)} is used inside a compiled function without being one of its arguments${here()}. ` +
        `Its later values would not be seen. Pass it as an argument (a tf.Variable is accepted there).`,
    );
  }
  const { tensorInfo } = (tf.engine() as unknown as { state: EngineState }).state;
  const info = tensorInfo.get(tensor.dataId);
  if (info === undefined) {
    throw new JitError(
      `A tensor of ${describe(tensor)} that is disposed, or belongs to an earlier trace, is used inside a compiled function${here()}. ` +
        `Pass it as an argument, and return what must outlive the function.`,
    );
  }
  const dtype = supported(tensor.dtype, 'A captured tensor');
  const bytes = tensor.shape.reduce((a, b) => a * b, tf.util.bytesPerElement(dtype));
  if (bytes > maxConstantBytes) {
    throw new JitError(
      `A tensor of ${describe(tensor)}, ${Math.ceil(bytes / 1024)} KiB, is used inside a compiled function without being one of its arguments${here()}; ` +
        `at most ${maxConstantBytes / 1024} KiB may be captured, as a constant. Pass it as an argument.`,
    );
  }
  const data = typedArray(info.backend.readSync(tensor.dataId as never) as ArrayLike<number>, dtype);
  const value = constant(data, tensor.shape, dtype, 'A captured tensor');
  graph.references.set(tensor.dataId, { value, count: 0 });
  return value;
}

/** Tensor info that tfjs turns into a tensor standing for `value`. */
export const infoOf = (value: Value): tf.TensorInfo => ({
  dataId: recorder().dataId(value) as tf.DataId,
  shape: [...value.shape],
  dtype: value.dtype,
});

/** Nothing is computed: data ids stand for values of the graph that is being recorded. */
class TraceBackend extends tf.KernelBackend {
  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    const graph = recorder();
    const type = supported(dtype, 'A tensor');
      const random = randomOp();
    if (random !== undefined) {
      throw new JitError(
        `tf.${random} draws random numbers on the host${here()}: compiled, it would return the same numbers at every call. ` +
          `Draw them outside and pass them as an argument.`,
      );
    }
    const data =
      values === null || values === undefined
        ? typedArray(new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0), type)
        : typedArray(values as unknown as ArrayLike<number>, type);
    return graph.dataId(constant(data, shape, type, 'Host data'));
  }

  /** tfjs moves data to the current backend when it reads a tensor of another one; kernels here never need it. */
  override move(): void {
    throw new JitError(`A tensor of another backend was moved into a trace${here()}.`);
  }

  override readSync(): never {
    throw this.hostRead();
  }

  override read(): Promise<never> {
    // tensor.data() wraps this in a promise that nobody may be awaiting: report it when the trace ends.
    recorder().failure ??= this.hostRead();
    return new Promise<never>(() => {});
  }

  private hostRead(): JitError {
    return new JitError(
      `A tensor's values are read inside a compiled function${here()} (data, dataSync, array, print, …), ` +
        `but while it is compiled it has none. Return the tensor and read it from the result, ` +
        `or keep the decision in tensors (tf.where).`,
    );
  }

  override incRef(id: object): void {
    const reference = session.recorder?.references.get(id);
    if (reference !== undefined) reference.count++;
  }

  decRef(id: object): void {
    this.disposeData(id);
  }

  override refCount(id: object): number {
    return session.recorder?.references.get(id)?.count ?? 0;
  }

  override disposeData(id: object): boolean {
    const reference = session.recorder?.references.get(id);
    if (reference === undefined) return true;
    return --reference.count <= 0;
  }

  override numDataIds(): number {
    return session.recorder?.references.size ?? 0;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {}
}

const names = (inputs: object) => Object.entries(inputs as Record<string, tf.TensorInfo | null | undefined>);

/** Infer the outputs of one call, record it, and return what stands for them. */
function record(name: string, op: Op, inputs: object, raw: Attributes): tf.TensorInfo[] {
  const graph = recorder();
  const values: Record<string, Value> = {};
  for (const [key, tensor] of names(inputs)) {
    if (tensor !== null && tensor !== undefined) values[key] = valueOf(tensor);
  }
  // Saved tensors of the gradient tape are clones; they need no node of their own.
  if (name === 'Identity') return [infoOf(values.x)];
  const attributes = op.normalize?.(raw, values) ?? defined(raw);
  const inferred = op.infer(values, attributes);
  const outputs: TensorSpec[] = Array.isArray(inferred) ? inferred : [inferred];
  for (const { dtype } of outputs) supported(dtype, `The result of ${name}`);
  return graph.node(name, values, attributes, outputs).map(infoOf);
}

const defined = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null));

function register(kernelName: string, op: Op): void {
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      const outputs = record(kernelName, op, inputs, (attrs ?? {}) as Attributes);
      return outputs.length === 1 && !alwaysList.has(kernelName) ? outputs[0] : outputs;
    },
  });
}

/** Kernels that return a list even when it has one element. */
const alwaysList = new Set(['SplitV', 'Unpack']);

/** `ZerosLike` and `OnesLike` depend on no values: they become `Fill`. */
function registerLike(kernelName: string, value: number): void {
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({ inputs }) => {
      const { shape, dtype } = inputs.x as tf.TensorInfo;
      return record('Fill', ops.Fill, {}, { shape, value, dtype: supported(dtype, 'A tensor') })[0];
    },
  });
}

/** Register the backend once, and every primitive that has been defined since the last trace. */
export function registerTraceBackend(): void {
  if (!session.backendRegistered) {
    session.backendRegistered = true;
    // Priority 0: below every backend that computes, so that tfjs never picks it by itself.
    tf.registerBackend(backendName, () => new TraceBackend() as never, 0);
    for (const [name, op] of Object.entries(ops)) register(name, op);
    registerLike('ZerosLike', 0);
    registerLike('OnesLike', 1);
  }
  for (const { name, infer } of primitives.values()) {
    if (tf.getKernel(name, backendName) === undefined) register(name, { infer });
  }
}
