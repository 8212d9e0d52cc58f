import { elements, type Graph, type HalfType, type Node, type Value } from './graph';

/**
 * In which number format a graph computes, as a rewrite of the graph.
 *
 * Values keep the type that they were traced with. A policy for lower precision says of float32 values that they are
 * *stored* in 16 bits, and of products that they *compute* in 16 bits with sums in float32; an engine converts
 * accordingly. Everything else reads what is stored as float32, computes in float32, and rounds its result once if
 * that is stored in 16 bits.
 */
export interface PrecisionPolicy {
  /** Shown at start-up: `float32`, `bfloat16`. */
  readonly name: string;
  /** Whether gradients may be too small for the format, so that a trainer scales its loss. */
  readonly scalesLoss?: boolean;
  apply(graph: Graph): Graph;
}

/** Everything as traced. */
export const float32: PrecisionPolicy = { name: 'float32', apply: (graph) => graph };

/** Products that always compute in 16 bits. Others do where they are the gradient of a linear layer. */
const products: ReadonlySet<string> = new Set(['Linear', 'Attention', 'AttentionGrad']);

/** Ops between products whose results are stored like their inputs. */
const activations: ReadonlySet<string> = new Set([
  'Add', 'AddN', 'Multiply', 'Neg', 'Select',
  'Concat', 'ExpandDims', 'GatherV2', 'Identity', 'Pack', 'PadV2', 'Reshape', 'Slice', 'SplitV', 'Tile', 'Transpose', 'Unpack',
  'AddScaledRows', 'AddScaledRowsGrad', 'Gelu', 'GeluGrad', 'LayerNorm', 'LayerNormGrad', 'RotaryEmbedding', 'SwiGLU', 'SwiGLUGrad',
  'TakeRows', 'TakeRowsGrad', 'DistillationCrossEntropyGrad', 'SinkhornKnopp',
]);

/** Ops that hand a gradient on to the optimizer as it is: what they read is float32 if their result has to be. */
const transparent: ReadonlySet<string> = new Set(['Add', 'AddN', 'Concat', 'ExpandDims', 'Identity', 'Pack', 'PadV2', 'Reshape', 'Slice', 'SplitV', 'Transpose', 'Unpack', 'WeightNormGrad']);

/** Ops of the optimizer, and the mean over shards: what they read is float32. */
const updates: ReadonlySet<string> = new Set(['AdamW', 'Ema', 'ShardMean', 'SquaredNorm']);

/**
 * 16-bit products and activations; float32 parameters, optimizer, gradients of parameters, reductions, losses and
 * softmax statistics. What is computed from parameters alone (resampled positions, normalised prototypes) is float32 too.
 */
export function mixedPrecision(type: HalfType): PrecisionPolicy {
  return {
    name: type,
    scalesLoss: type === 'float16',
    apply(graph) {
      const wide = float32Values(graph);
      const linear = graph.nodes.filter(({ op }) => op === 'Linear');
      const operands = new Set(linear.flatMap(({ inputs }) => [inputs.x, inputs.weight]));
      const isProduct = ({ op, inputs }: Node): boolean =>
        products.has(op) || (op === 'BatchMatMul' && (operands.has(inputs.a) || operands.has(inputs.b)));

      const stored = new Map<Value, Value>();
      const current = (value: Value): Value => stored.get(value) ?? value;
      const store = (value: Value): Value => {
        const half = { ...value, stored: type };
        stored.set(value, half);
        return half;
      };
      const nodes = graph.nodes.map((node): Node => {
        const inputs = Object.fromEntries(Object.entries(node.inputs).map(([key, value]) => [key, current(value)]));
        const product = isProduct(node);
        const outputs = node.outputs.map((value) =>
          value.dtype === 'float32' && value.shape.length > 0 && !wide.has(value) && (product || staysStored(node, inputs, value)) ? store(value) : value,
        );
        return { ...node, inputs, outputs, attributes: product ? { ...node.attributes, compute: type } : node.attributes };
      });
      return { ...graph, nodes, outputs: graph.outputs.map(current) };
    },
  };
}

/** Whether an op's result is stored in 16 bits because all inputs of its size, or all if none is as large, are. */
function staysStored({ op }: Node, inputs: Readonly<Record<string, Value>>, output: Value): boolean {
  if (!activations.has(op)) return false;
  const floats = Object.values(inputs).filter(({ dtype, shape }) => dtype === 'float32' && shape.length > 0);
  const large = floats.filter((value) => elements(value) >= elements(output));
  const deciding = large.length > 0 ? large : floats;
  return deciding.length > 0 && deciding.every((value) => value.stored !== undefined);
}

/** Values that have to be float32: gradients on their way to the optimizer, and results. */
function float32Values({ nodes, outputs }: Graph): Set<Value> {
  const wide = new Set(outputs);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { op, inputs, outputs: results } = nodes[i];
    if (updates.has(op) || (transparent.has(op) && results.some((value) => wide.has(value)))) {
      for (const value of Object.values(inputs)) wide.add(value);
    }
  }
  return wide;
}
