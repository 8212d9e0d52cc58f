import type { Graph, Node, Value } from '../graph';
import type { Sharding } from '../sharding';

/** Ops that update a part of the state elementwise: the input that says how the others and the outputs lie. */
const updates: Readonly<Record<string, string>> = { AdamW: 'param', Ema: 'target' };

/** Inputs of an update that are no arrays of the parameter's shape. */
const isAlike = (value: Value, state: Value): boolean => value.shape.length === state.shape.length && value.shape.every((d, i) => d === state.shape[i]);

/** How an op's output lies if its input `x` or `v` lies like this, as far as it is plain. */
function followed({ op, inputs, outputs: [y] }: Node, wanted: ReadonlyMap<Value, Sharding>): Sharding | undefined {
  const from = op === 'WeightNorm' ? inputs.v : op === 'Reshape' || op === 'Slice' ? inputs.x : undefined;
  const sharding = from && wanted.get(from);
  const axis = sharding?.findIndex((names) => names.length > 0) ?? -1;
  if (from === undefined || sharding === undefined || axis < 0) return undefined;
  // In a reshape, what comes before an axis has to stay as well, or it is another axis.
  for (let i = op === 'Reshape' ? 0 : axis; i <= axis; i++) if (from.shape[i] !== y.shape[i]) return undefined;
  return y.shape.map((_, i) => (i === axis ? sharding[axis] : []));
}

/**
 * Write on the values of a graph how they lie on the mesh: inputs as given, outputs as the inputs that they replace,
 * updates of the state and the gradients that they read as the state. The rest is the engine's to decide; outputs that
 * replace nothing are whole on every device.
 */
export function annotate(
  graph: Graph,
  { shardings, donations }: { readonly shardings: readonly (Sharding | undefined)[]; readonly donations: readonly (readonly [input: number, output: number])[] },
): Graph {
  const wanted = new Map<Value, Sharding>();
  graph.inputs.forEach((value, i) => wanted.set(value, shardings[i] ?? []));
  for (const { op, inputs, outputs } of graph.nodes) {
    const state = inputs[updates[op] ?? ''];
    const sharding = state && wanted.get(state);
    if (sharding === undefined) continue;
    for (const value of [...Object.values(inputs), ...outputs]) if (isAlike(value, state) && !wanted.has(value)) wanted.set(value, sharding);
  }
  // What is gathered has to be known to lie split until then, lest it be gathered where it is used first and for good.
  for (const node of graph.nodes) {
    const sharding = followed(node, wanted);
    if (sharding !== undefined && !wanted.has(node.outputs[0])) wanted.set(node.outputs[0], sharding);
  }
  const replaced = new Map(donations.map(([input, output]) => [output, shardings[input] ?? []] as const));
  graph.outputs.forEach((value, i) => {
    if (!wanted.has(value)) wanted.set(value, replaced.get(i) ?? []);
  });

  const written = new Map<Value, Value>();
  const current = (value: Value): Value => {
    const sharding = wanted.get(value);
    if (sharding === undefined) return value;
    const known = written.get(value) ?? { ...value, sharding };
    written.set(value, known);
    return known;
  };
  const rewritten = (node: Node): Node => ({
    ...node,
    inputs: Object.fromEntries(Object.entries(node.inputs).map(([key, value]) => [key, current(value)])),
    outputs: node.outputs.map(current),
  });
  return {
    inputs: graph.inputs.map(current),
    outputs: graph.outputs.map(current),
    nodes: graph.nodes.map(rewritten),
    constants: new Map([...graph.constants].map(([value, data]) => [current(value), data])),
  };
}
