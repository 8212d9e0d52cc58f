import type { Attribute, DataType, Node, Value } from './messages';

/** A constant of the graph; its values are made when they are written, so that only one is in memory. */
export interface Initializer {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  load(): Float32Array | BigInt64Array;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Floating-point type of a model's weights and arithmetic. */
export type Precision = 'float32' | 'float16';

/** Collects nodes and constants. A value is known by its name, which is its node's. */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  private readonly constants = new Set<string>();

  constructor(readonly precision: Precision) {}

  /** Add a node of one output and return the output's name. */
  op(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name = `${type}.${this.nodes.length}`,
  ): string {
    this.nodes.push({ name, type, inputs, outputs: [name], attributes });
    return name;
  }

  /** Cut a value into parts of these sizes along one axis. */
  split(value: string, sizes: readonly number[], axis: number): string[] {
    const name = `Split.${this.nodes.length}`;
    const outputs = sizes.map((_, i) => `${name}.${i}`);
    this.nodes.push({ name, type: 'Split', inputs: [value, this.ints(...sizes)], outputs, attributes: { axis } });
    return outputs;
  }

  /** Add weights, in the model's precision unless another is given. */
  weight(name: string, shape: readonly number[], load: () => Float32Array, type: Precision = this.precision): string {
    this.initializers.push({ name, type, shape, load });
    return name;
  }

  /** A vector of integers, as shapes and axes are. */
  ints(...values: readonly number[]): string {
    return this.constant(`int64[${values}]`, 'int64', [values.length], () => BigInt64Array.from(values, BigInt));
  }

  /** An integer of rank 0. */
  int(value: number): string {
    return this.constant(`int64 ${value}`, 'int64', [], () => BigInt64Array.of(BigInt(value)));
  }

  /** A number of rank 0, in the model's precision unless another is given. */
  number(value: number, type: Precision = this.precision): string {
    return this.constant(`${type} ${value}`, type, [], () => Float32Array.of(value));
  }

  /** Equal constants have equal names, and are stored once. */
  private constant(name: string, type: DataType, shape: readonly number[], load: Initializer['load']): string {
    if (!this.constants.has(name)) {
      this.constants.add(name);
      this.initializers.push({ name, type, shape, load });
    }
    return name;
  }
}
