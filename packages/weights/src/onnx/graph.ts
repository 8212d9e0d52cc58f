import type { Attribute, DataType, Node, Value } from './messages';

/** A constant of the graph; its bytes are made when they are written, so that only one is in memory. */
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

interface NodeOptions {
  readonly name?: string;
  readonly domain?: 'com.microsoft';
}

/** Collects nodes and constants; values are their names. */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  private readonly shared = new Map<string, string>();

  /** Add a node of one output and return the output's name. */
  op(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): string {
    return this.ops(type, inputs, 1, attributes, options)[0]!;
  }

  /** Add a node of several outputs. */
  ops(
    type: string,
    inputs: readonly string[],
    outputCount: number,
    attributes: Readonly<Record<string, Attribute>> = {},
    { name = `${type}.${this.nodes.length}`, domain }: NodeOptions = {},
  ): string[] {
    const outputs = outputCount === 1 ? [name] : Array.from({ length: outputCount }, (_, i) => `${name}.${i}`);
    this.nodes.push({ name, type, domain: domain ?? '', inputs, outputs, attributes });
    return outputs;
  }

  weight(
    name: string,
    shape: readonly number[],
    load: () => Float32Array,
    type: 'float32' | 'float16' = 'float32',
  ): string {
    this.initializers.push({ name, type, shape, load });
    return name;
  }

  /** A vector of integers, as shapes, axes and permutations are; equal ones are stored once. */
  ints(...values: readonly number[]): string {
    return this.constant(`int64[${values}]`, 'int64', [values.length], () => BigInt64Array.from(values, BigInt));
  }

  /** An integer of rank 0. */
  int(value: number): string {
    return this.constant(`int64 ${value}`, 'int64', [], () => BigInt64Array.of(BigInt(value)));
  }

  /** A float32 of rank 0. */
  float(value: number): string {
    return this.constant(`float32 ${value}`, 'float32', [], () => Float32Array.of(value));
  }

  private constant(name: string, type: DataType, shape: readonly number[], load: Initializer['load']): string {
    const known = this.shared.get(name);
    if (known !== undefined) return known;
    this.shared.set(name, name);
    this.initializers.push({ name, type, shape, load });
    return name;
  }
}
