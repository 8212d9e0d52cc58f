import type { Attributes, TensorSpec } from '@dinov2/primitives';
import type { DataType, Graph, Node, TypedArray, Value } from '../graph';
import { currentScope } from '../scope';
import { callSite } from './source';

/** The graph under construction, and which tfjs data stands for which of its values. */
export class Recorder {
  readonly inputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly constants = new Map<Value, TypedArray>();
  /** tfjs data ids made during this trace, with the number of tensors that share them. */
  readonly references = new Map<object, { value: Value; count: number }>();
  /** Set by an asynchronous host read, which cannot throw to its caller. */
  failure: Error | undefined;
  private nextId = 0;

  value({ shape, dtype }: TensorSpec): Value {
    return { id: this.nextId++, shape: [...shape], dtype };
  }

  input(spec: TensorSpec): Value {
    const value = this.value(spec);
    this.inputs.push(value);
    return value;
  }

  constant(data: TypedArray, shape: readonly number[], dtype: DataType): Value {
    const value = this.value({ shape, dtype });
    this.constants.set(value, data);
    return value;
  }

  node(
    op: string,
    inputs: Readonly<Record<string, Value>>,
    attributes: Attributes,
    outputs: readonly TensorSpec[],
  ): readonly Value[] {
    const scope = currentScope();
    const source = callSite();
    const node: Node = {
      op,
      inputs,
      attributes,
      outputs: outputs.map((spec) => this.value(spec)),
      ...(scope === '' ? {} : { scope }),
      ...(source === undefined ? {} : { source }),
    };
    this.nodes.push(node);
    return node.outputs;
  }

  /** Fresh tfjs data that stands for `value`. */
  dataId(value: Value): object {
    const id = {};
    this.references.set(id, { value, count: 1 });
    return id;
  }

  graph(outputs: readonly Value[]): Graph {
    return { inputs: this.inputs, outputs, nodes: this.nodes, constants: this.constants };
  }
}
