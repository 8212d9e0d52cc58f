import type { Engine } from './engine';
import { bytes, type Graph, type Node, type TypedArray, type Value } from './graph';
import { removeDeadCode } from './passes/dead-code';

/**
 * A graph in which some inputs are constants. What depends on constants alone is computed here, once,
 * unless it is larger than what it is computed from.
 */
export async function bindConstants(graph: Graph, values: ReadonlyMap<Value, TypedArray>, engine: Engine): Promise<Graph> {
  const bound: Graph = {
    ...graph,
    inputs: graph.inputs.filter((value) => !values.has(value)),
    constants: new Map([...graph.constants, ...values]),
  };
  const early = earlyNodes(bound);
  const nodes = bound.nodes.filter((node) => !early.has(node));
  const read = new Set(nodes.flatMap((node) => Object.values(node.inputs)));
  const results = [...early].flatMap((node) => node.outputs).filter((value) => read.has(value));
  if (results.length === 0) return removeDeadCode(bound);
  const executable = await engine.compile(
    removeDeadCode({ inputs: [], outputs: results, nodes: [...early], constants: bound.constants }),
    { donations: [] },
  );
  const constants = new Map(bound.constants);
  try {
    const arrays = await executable.run([]);
    for (const [i, array] of arrays.entries()) {
      constants.set(results[i], await array.data());
      array.dispose();
    }
  } finally {
    executable.dispose();
  }
  return removeDeadCode({ ...bound, nodes, constants });
}

/** Nodes that can run before any input is known. Those that make an output of the graph stay. */
function earlyNodes({ nodes, constants, outputs }: Graph): Set<Node> {
  const known = new Set(constants.keys());
  const returned = new Set(outputs);
  const early = new Set<Node>();
  const total = (all: readonly Value[]) => all.reduce((sum, value) => sum + bytes(value), 0);
  for (const node of nodes) {
    const inputs = Object.values(node.inputs);
    if (inputs.length === 0 || !inputs.every((value) => known.has(value))) continue;
    if (total(node.outputs) > total(inputs) || node.outputs.some((value) => returned.has(value))) continue;
    early.add(node);
    for (const value of node.outputs) known.add(value);
  }
  return early;
}
