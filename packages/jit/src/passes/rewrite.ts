import type { Attributes, TensorSpec } from '@dinov2/primitives';
import type { Graph, Node, TypedArray, Value, ValueSpec } from '../graph';

/** The rewritten graph as far as it goes, and a way to add to it. */
export interface Rewriting {
  /** The node that made a value; undefined for inputs and constants. */
  producer(value: Value): Node | undefined;
  /** Data of a constant; undefined for anything else. */
  data(value: Value): TypedArray | undefined;
  constant(data: TypedArray, spec: TensorSpec): Value;
  /** Append a node with the scope and source of the one being replaced. */
  node(op: string, inputs: Readonly<Record<string, Value>>, attributes: Attributes, outputs: readonly ValueSpec[]): Value[];
}

/**
 * Walk the nodes in order and build a graph in which some are replaced.
 *
 * @param replace - Given a node whose inputs are already rewritten: the values that stand for its
 * outputs from now on, or undefined to keep it.
 */
export function rewrite(
  graph: Graph,
  replace: (node: Node, rewriting: Rewriting) => readonly Value[] | undefined,
): Graph {
  const renamed = new Map<Value, Value>();
  const current = (value: Value) => renamed.get(value) ?? value;
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  const producers = new Map<Value, Node>();
  const nextId = idSource(graph);
  const emit = (node: Node) => {
    nodes.push(node);
    for (const value of node.outputs) producers.set(value, node);
  };
  let replaced: Node;
  const rewriting: Rewriting = {
    producer: (value) => producers.get(value),
    data: (value) => constants.get(value),
    constant(data, { shape, dtype }) {
      const value = { id: nextId(), shape, dtype };
      constants.set(value, data);
      return value;
    },
    node(op, inputs, attributes, specs) {
      const { scope, source } = replaced;
      const outputs = specs.map((spec) => valueOf(nextId(), spec));
      emit({
        op,
        inputs,
        attributes,
        outputs,
        ...(scope === undefined ? {} : { scope }),
        ...(source === undefined ? {} : { source }),
      });
      return outputs;
    },
  };
  for (const original of graph.nodes) {
    const entries = Object.entries(original.inputs);
    replaced = entries.some(([, value]) => renamed.has(value))
      ? { ...original, inputs: Object.fromEntries(entries.map(([key, value]) => [key, current(value)])) }
      : original;
    const outputs = replace(replaced, rewriting);
    if (outputs === undefined) emit(replaced);
    else original.outputs.forEach((value, i) => renamed.set(value, outputs[i]));
  }
  return { inputs: graph.inputs, outputs: graph.outputs.map(current), nodes, constants };
}

/** A value with the properties of another. */
export const valueOf = (id: number, { shape, dtype, stored, sharding }: ValueSpec): Value => ({
  id,
  shape,
  dtype,
  ...(stored && { stored }),
  ...(sharding && { sharding }),
});

/** A fresh value id for each call, above all those of the graph. */
export function idSource(graph: Graph): () => number {
  let next = 0;
  const see = (values: Iterable<Value>) => {
    for (const { id } of values) next = Math.max(next, id + 1);
  };
  see(graph.inputs);
  see(graph.constants.keys());
  for (const node of graph.nodes) see(node.outputs);
  return () => next++;
}
