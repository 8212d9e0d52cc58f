import { decompose, type Graph, type Node, type Value } from '@dinov2/jit';
import { primitives } from '@dinov2/primitives';
import { type Builder, type Tensor } from './builder';
import { isHalf } from './element-type';
import { EngineError } from './errors';
import { lowerings } from './lower';
import type { Call } from './lower/lowering';

/** Ops that only move elements: they run on 16 bits as they are. */
const moves: ReadonlySet<string> = new Set([
  'Concat', 'ExpandDims', 'GatherV2', 'Identity', 'Pack', 'Reshape', 'Reverse', 'Slice', 'SplitV', 'StridedSlice', 'Tile', 'Transpose', 'Unpack',
]);

/** Ops that convert their operands themselves. */
const products: ReadonlySet<string> = new Set([
  'Attention', 'AttentionGrad', 'BatchMatMul', 'Linear', '_FusedMatMul',
  'Conv2D', 'Conv2DBackpropFilter', 'Conv2DBackpropInput', 'FusedConv2D',
  'DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropFilter', 'DepthwiseConv2dNativeBackpropInput', 'FusedDepthwiseConv2D',
]);

const typeOf = ({ dtype, stored }: Value) => stored ?? dtype;

/** Lowers nodes one after the other; primitives without a lowering by the ops that they are defined with. */
export class GraphLowering {
  readonly #builder: Builder;
  readonly #definitions = new Map<string, { readonly inputs: readonly Value[]; readonly graph: Graph }>();

  constructor(builder: Builder) {
    this.#builder = builder;
  }

  /** Append all nodes; `tensors` holds the graph's inputs and large constants, and gets the rest. */
  lower(graph: Graph, tensors: Map<Value, Tensor>): void {
    for (const [value, data] of graph.constants) {
      if (!tensors.has(value)) tensors.set(value, this.#builder.constant(data, value.shape, value.dtype));
    }
    for (const node of graph.nodes) {
      const inputs = Object.fromEntries(Object.entries(node.inputs).map(([name, value]) => [name, tensors.get(value) as Tensor]));
      this.#node(node, inputs).forEach((tensor, i) => tensors.set(node.outputs[i], tensor));
    }
  }

  #node(node: Node, inputs: Readonly<Record<string, Tensor>>): Tensor[] {
    const b = this.#builder;
    const lowering = lowerings[node.op];
    const results = lowering ? [lowering(b, this.#call(node, inputs))].flat() : this.#definition(node, inputs);
    return node.outputs.map((output, i) => {
      const result = b.cast(results[i], typeOf(output));
      if (result.shape.length !== output.shape.length || result.shape.some((d, axis) => d !== output.shape[axis])) {
        throw new EngineError(
          `${node.op} was lowered to (${result.shape.join(', ')}) where the graph says (${output.shape.join(', ')}); please report this.`,
        );
      }
      return result;
    });
  }

  #call({ op, attributes, outputs }: Node, inputs: Readonly<Record<string, Tensor>>): Call {
    const b = this.#builder;
    const stored = outputs.map((output) => ({ shape: output.shape, type: typeOf(output) }));
    if (products.has(op)) return { op, inputs, attributes, outputs: stored };
    const asStored = moves.has(op) && Object.values(inputs).every(({ type }) => !isHalf(type) || type === stored[0].type);
    const keep = asStored && Object.values(inputs).some(({ type }) => type === stored[0].type);
    if (keep) return { op, inputs, attributes, outputs: stored };
    return {
      op,
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, isHalf(x.type) ? b.cast(x, 'float32') : x])),
      attributes,
      outputs: outputs.map(({ shape, dtype }) => ({ shape, type: dtype })),
    };
  }

  /** The ops of a primitive, in float32. */
  #definition(node: Node, inputs: Readonly<Record<string, Tensor>>): Tensor[] {
    if (!primitives.has(node.op)) throw new EngineError(unsupported(node));
    const plain = (value: Value): Value => ({ id: value.id, shape: value.shape, dtype: value.dtype });
    const key = JSON.stringify([
      node.op,
      node.attributes,
      Object.entries(node.inputs).map(([name, { shape, dtype }]) => [name, dtype, shape]),
    ]);
    let definition = this.#definitions.get(key);
    if (definition === undefined) {
      const values = Object.fromEntries(Object.entries(node.inputs).map(([name, value], id) => [name, { ...plain(value), id }]));
      const single: Graph = {
        inputs: Object.values(values),
        outputs: node.outputs.map((output, i) => ({ ...plain(output), id: Object.keys(values).length + i })),
        nodes: [],
        constants: new Map(),
      };
      const graph = decompose({ ...single, nodes: [{ ...node, inputs: values, outputs: single.outputs }] }, ({ op }) => op in lowerings);
      definition = { inputs: single.inputs, graph };
      this.#definitions.set(key, definition);
    }
    const given = Object.values(inputs);
    const tensors = new Map(definition.inputs.map((value, i) => [value, isHalf(given[i].type) ? this.#builder.cast(given[i], 'float32') : given[i]]));
    this.lower(definition.graph, tensors);
    return definition.graph.outputs.map((value) => tensors.get(value) as Tensor);
  }
}

function unsupported({ op, scope, source }: Node): string {
  const place = [scope && `in ${scope}`, source && `at ${source}`].filter(Boolean).join(' ');
  return `the op ${op}${place && ` (${place})`} has no implementation on TensorFlow; write it with other ops or use the eager engine. Supported: ${Object.keys(lowerings).sort().join(', ')}, and all primitives.`;
}
