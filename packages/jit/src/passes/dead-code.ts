import type { Graph } from '../graph';

/** Drop nodes and constants that no output depends on. Inputs stay: they are the signature. */
export function removeDeadCode(graph: Graph): Graph {
  const needed = new Set(graph.outputs);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((value) => needed.has(value))) return false;
    for (const value of Object.values(node.inputs)) needed.add(value);
    return true;
  });
  return {
    ...graph,
    nodes: nodes.reverse(),
    constants: new Map([...graph.constants].filter(([value]) => needed.has(value))),
  };
}
