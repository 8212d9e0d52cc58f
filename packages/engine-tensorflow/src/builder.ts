import type { TypedArray } from '@dinov2/jit';
import { dataType, sizeOf, type ElementType } from './element-type';
import { shapeMessage, type Attribute, type NodeMessage } from './messages';

export interface Spec {
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** An output of a TensorFlow node. */
export interface Tensor extends Spec {
  /** `node` or `node:1`. */
  readonly name: string;
}

export type Attributes = Readonly<Record<string, Attribute>>;

export interface OpOptions {
  /** Nodes that must have run before this one. */
  readonly after?: readonly Tensor[];
  readonly name?: string;
}

/** How an op of TensorFlow names a type, for the attribute `T` and its like. */
export const type = (t: ElementType | Tensor): Attribute => ({ type: dataType[typeof t === 'string' ? t : t.type] });
export const ints = (...values: number[]): Attribute => ({ list: { i: values } });
export const flag = (value: unknown): Attribute => ({ b: value === true });

/** Name of the node that an output belongs to. */
export const nodeOf = ({ name }: Tensor): string => name.replace(/:\d+$/, '');

export interface BuilderOptions {
  /** Compute products of 16 bits by kernels of that type, instead of rounding operands and multiplying in float32. */
  readonly halfKernels: boolean;
  /** Most bytes of attention probabilities that are held at once. */
  readonly attentionBytes: number;
}

/** Appends nodes to a graph. Equal constants, casts and shapes are written once. */
export class Builder {
  readonly nodes: NodeMessage[] = [];
  readonly options: BuilderOptions;
  readonly #shared = new Map<string, Tensor>();

  constructor(options: BuilderOptions) {
    this.options = options;
  }

  /** Append a node of several outputs. */
  ops(op: string, inputs: readonly Tensor[], outputs: readonly Spec[], attr: Attributes = {}, { after = [], name }: OpOptions = {}): Tensor[] {
    const own = name ?? `n${this.nodes.length}`;
    this.nodes.push({
      name: own,
      op,
      input: [...inputs.map((input) => input.name), ...after.map((tensor) => `^${nodeOf(tensor)}`)],
      attr,
    });
    return outputs.map(({ shape, type }, i) => ({ name: i === 0 ? own : `${own}:${i}`, shape, type }));
  }

  /** Append a node of one output. */
  op(op: string, inputs: readonly Tensor[], output: Spec, attr: Attributes = {}, options: OpOptions = {}): Tensor {
    return this.ops(op, inputs, [output], attr, options)[0];
  }

  constant(data: TypedArray, shape: readonly number[], t: ElementType): Tensor {
    const tensorContent = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const make = () =>
      this.op('Const', [], { shape, type: t }, {
        dtype: type(t),
        value: { tensor: { dtype: dataType[t], tensorShape: shapeMessage(shape), tensorContent } },
      });
    return sizeOf(shape) > 64 ? make() : this.#once(`const ${t} ${shape.join()} ${tensorContent.join()}`, make);
  }

  scalar(value: number, t: 'float32' | 'int32' | 'bool' = 'float32'): Tensor {
    const array = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[t];
    return this.constant(array.of(value), [], t);
  }

  /** A list of whole numbers, for shapes and axes. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
    return this.constant(Int32Array.from(values), shape, 'int32');
  }

  cast(x: Tensor, to: ElementType): Tensor {
    if (x.type === to) return x;
    return this.#once(`cast ${x.name} ${to}`, () =>
      this.op('Cast', [x], { shape: x.shape, type: to }, { SrcT: type(x), DstT: type(to) }),
    );
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    if (x.shape.length === shape.length && x.shape.every((d, i) => d === shape[i])) return x;
    return this.#once(`reshape ${x.name} ${shape.join()}`, () =>
      this.op('Reshape', [x, this.integers(shape)], { shape, type: x.type }, { T: type(x), Tshape: type('int32') }),
    );
  }

  fill(value: number, shape: readonly number[], t: 'float32' | 'int32' | 'bool'): Tensor {
    if (shape.length === 0) return this.scalar(value, t);
    return this.op('Fill', [this.integers(shape), this.scalar(value, t)], { shape, type: t }, { T: type(t), index_type: type('int32') });
  }

  #once(key: string, make: () => Tensor): Tensor {
    const known = this.#shared.get(key);
    if (known) return known;
    const made = make();
    this.#shared.set(key, made);
    return made;
  }
}
