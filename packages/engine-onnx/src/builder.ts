import type { DataType, Node, TypedArray, Value } from '@dinov2/jit';
import { bytesOf, elementBytes, onnxType, sizeOf, type ElementType } from './element-type';
import { EngineError } from './errors';
import { simdKernels } from './kernels';
import type { OnnxAttribute } from './onnx-model';
import { tensorBytes, type InPlace, type Program, type Step, type Storage, type Tensor } from './program';

/** Shape and type of a tensor to be made. */
export interface Spec {
  readonly shape: readonly number[];
  readonly type: ElementType;
}

export interface OrtOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly domain?: '' | 'com.microsoft';
  readonly inPlace?: InPlace;
  /** Write into this tensor, usually a part of a larger one, instead of a new one. */
  readonly into?: Tensor;
  /** Inputs to make part of the session where they are constants, so that the kernel can prepare them once. */
  readonly prepare?: readonly number[];
}

type Numbers = Float32Array | Int32Array | Uint8Array | BigInt64Array;

export const float = (value: number): OnnxAttribute => ({ float: value });

/** Collects the steps of a program while nodes are lowered. */
export class Builder {
  readonly #steps: Step[] = [];
  readonly #constants = new Map<Storage, Uint8Array>();
  /** Small constants by content, so that axes and scalars exist once. */
  readonly #interned = new Map<string, Tensor>();
  readonly #written = new Set<Storage>();
  #node: Node | null = null;

  /** Steps from here on belong to this node. */
  begin(node: Node): void {
    this.#node = node;
  }

  finish(inputs: readonly Storage[], outputs: readonly Tensor[]): Program {
    return { steps: this.#steps, inputs, outputs, constants: this.#constants };
  }

  /** New uninitialised memory. */
  empty(shape: readonly number[], type: ElementType = 'float32'): Tensor {
    const storage: Storage = { bytes: bytesOf(shape, type), kind: 'temporary' };
    return { storage, offset: 0, shape, type };
  }

  /** Call an ONNX operator with one output. `null` stands for an absent optional input. */
  ort(type: string, inputs: readonly (Tensor | null)[], output: Spec, options: OrtOptions = {}): Tensor {
    const result = options.into ?? this.empty(output.shape, output.type);
    this.#ort(type, inputs, [result], options);
    return result;
  }

  /** Call an ONNX operator with several outputs. */
  ortMany(type: string, inputs: readonly (Tensor | null)[], outputs: readonly Spec[], options: OrtOptions = {}): Tensor[] {
    const results = outputs.map((output) => this.empty(output.shape, output.type));
    this.#ort(type, inputs, results, options);
    return results;
  }

  #ort(
    type: string,
    inputs: readonly (Tensor | null)[],
    outputs: readonly Tensor[],
    { attributes = {}, domain = '', inPlace = [], prepare = [] }: OrtOptions,
  ): void {
    const isPrepared = (tensor: Tensor | null, i: number): tensor is Tensor =>
      tensor !== null && prepare.includes(i) && this.#constants.has(tensor.storage) && tensor.type === 'float32';
    this.#push({
      kind: 'ort',
      operator: { type, domain, attributes },
      inputs: inputs.map((tensor, i) => (isPrepared(tensor, i) ? null : tensor)),
      initializers: new Map(inputs.flatMap((tensor, i) => (isPrepared(tensor, i) ? [[i, tensor] as const] : []))),
      outputs,
      inPlace,
      node: this.#node,
    });
  }

  /**
   * Call a WebAssembly kernel, or answer `undefined` where there is none for these shapes.
   *
   * @param inputs - By the names that the op has in graphs.
   * @param into - Write into these tensors instead of new ones.
   */
  simd(
    op: string,
    inputs: Readonly<Record<string, Tensor>>,
    outputs: readonly { shape: readonly number[]; dtype: DataType }[],
    attributes: Node['attributes'] = {},
    into?: readonly Tensor[],
  ): Tensor[] | undefined {
    const kernel = simdKernels.get(op);
    if (!kernel) return undefined;
    const value = ({ shape, type }: Tensor): Value => ({ id: 0, shape, dtype: type as DataType });
    const call: Node = {
      op,
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, value(tensor)])),
      attributes,
      outputs: outputs.map(({ shape, dtype }) => ({ id: 0, shape, dtype })),
    };
    if (!kernel.supports(call)) return undefined;
    const results = into ?? outputs.map(({ shape, dtype }) => this.empty(shape, dtype));
    const scratchBytes = kernel.scratchBytes(call);
    this.#push({
      kind: 'simd',
      kernel,
      call,
      inputs: Object.values(inputs),
      outputs: results,
      inPlace: kernel.inPlace,
      scratch: scratchBytes > 0 ? this.empty([scratchBytes], 'uint8') : null,
      node: this.#node,
    });
    return [...results];
  }

  copy(from: Tensor, to: Tensor): Tensor {
    this.#push({ kind: 'copy', inputs: [from], outputs: [to], inPlace: [], node: this.#node });
    return to;
  }

  /** The same bytes with another shape, and optionally type. */
  view(tensor: Tensor, shape: readonly number[], type: ElementType = tensor.type, offset = 0): Tensor {
    const view = { storage: tensor.storage, offset: tensor.offset + offset, shape, type };
    if (offset + tensorBytes(view) > tensorBytes(tensor)) {
      throw new EngineError(`a view (${shape.join(', ')}) at byte ${offset} leaves the tensor (${tensor.shape.join(', ')}).`);
    }
    return view;
  }

  /** Rows `from … from + count` of the first axis. */
  rows(tensor: Tensor, from: number, count: number): Tensor {
    const [, ...rest] = tensor.shape;
    return this.view(tensor, [count, ...rest], tensor.type, from * bytesOf(rest, tensor.type));
  }

  /** The storage is one whole new tensor that no other tensor has been made a part of. */
  isWhole(tensor: Tensor): boolean {
    const { storage, offset } = tensor;
    return (
      storage.kind === 'temporary' && !storage.parent && offset === 0 && storage.bytes === tensorBytes(tensor) && this.#written.has(storage)
    );
  }

  /** Put `part` at a byte offset of `whole`: nothing is copied if it can be written there in the first place. */
  place(part: Tensor, whole: Tensor, offset: number): void {
    if (this.isWhole(part)) {
      part.storage.parent = { storage: whole.storage, offset: whole.offset + offset };
      this.#written.add(whole.storage);
    } else {
      this.copy(part, this.view(whole, part.shape, part.type, offset));
    }
  }

  constant(data: Numbers, shape: readonly number[], type: ElementType): Tensor {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = bytes.length <= 256 ? `${type} ${shape.join(',')} ${bytes.join(',')}` : undefined;
    const known = key === undefined ? undefined : this.#interned.get(key);
    if (known) return known;
    const storage: Storage = { bytes: bytes.length, kind: 'constant' };
    const tensor = { storage, offset: 0, shape, type };
    this.#constants.set(storage, bytes);
    if (key !== undefined) this.#interned.set(key, tensor);
    return tensor;
  }

  /** A vector of 64-bit integers, as ONNX wants axes and sizes. */
  integers(values: readonly number[]): Tensor {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
  }

  scalar(value: number, type: ElementType = 'float32'): Tensor {
    const data = type === 'float32' ? Float32Array.of(value) : type === 'int32' ? Int32Array.of(value) : type === 'int64' ? BigInt64Array.of(BigInt(value)) : Uint8Array.of(value);
    return this.constant(data, [], type);
  }

  hostConstant(data: TypedArray, { shape, dtype }: Value): Tensor {
    return this.constant(data, shape, dtype);
  }

  /** tfjs `cast`: float to integer truncates, anything but 0 is true. */
  cast(x: Tensor, type: ElementType): Tensor {
    if (x.type === type) return x;
    if (elementBytes[type] === 1 && x.type === 'bool') return this.view(x, x.shape, type);
    return this.ort('Cast', [x], { shape: x.shape, type }, { attributes: { to: onnxType[type] } });
  }

  /** Repeat a scalar. */
  fill(value: number, shape: readonly number[], type: ElementType, into?: Tensor): Tensor {
    if (sizeOf(shape) <= 64 && !into) {
      const size = sizeOf(shape);
      const data = type === 'float32' ? new Float32Array(size) : type === 'int32' ? new Int32Array(size) : new Uint8Array(size);
      return this.constant(data.fill(value), shape, type);
    }
    return this.ort('Expand', [this.scalar(value, type), this.integers(shape)], { shape, type }, { into });
  }

  #push(step: Step): void {
    if (step.outputs.every((output) => sizeOf(output.shape) === 0)) return;
    for (const { storage } of step.outputs) this.#written.add(storage);
    this.#steps.push(step);
  }
}
