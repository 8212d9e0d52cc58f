import type { Graph, Node, TypedArray, Value } from '../graph';

/** What to put in a node's place: another node, values for its outputs, constants, or nothing (leave it). */
export interface Rewriter {
  /** Looks at a node whose inputs are already rewritten. */
  (node: Node): Replacement | undefined;
}

export interface Replacement {
  readonly nodes?: readonly Node[];
  /** One for each output of the replaced node. */
  readonly outputs: readonly Value[];
  readonly constants?: ReadonlyMap<Value, TypedArray>;
}

/** Walk the nodes in order and build a graph in which some are replaced. */
export function rewrite(graph: Graph, rewriter: Rewriter): Graph {
  const renamed = new Map<Value, Value>();
  const current = (value: Value) => renamed.get(value) ?? value;
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const entries = Object.entries(original.inputs);
    const changed = entries.some(([, value]) => renamed.has(value));
    const node: Node = changed
      ? { ...original, inputs: Object.fromEntries(entries.map(([key, value]) => [key, current(value)])) }
      : original;
    const replacement = rewriter(node);
    if (replacement === undefined) {
      nodes.push(node);
      continue;
    }
    nodes.push(...(replacement.nodes ?? []));
    for (const [value, data] of replacement.constants ?? []) constants.set(value, data);
    node.outputs.forEach((value, i) => renamed.set(value, replacement.outputs[i]));
  }
  return { inputs: graph.inputs, outputs: graph.outputs.map(current), nodes, constants };
}

/** A fresh value id for each call, above all those of the graph. */
export function idSource(graph: Graph): () => number {
  const all = [...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap((node) => node.outputs)];
  let next = all.reduce((max, { id }) => Math.max(max, id), -1) + 1;
  return () => next++;
}
