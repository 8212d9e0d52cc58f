import { primitives } from '@dinov2/primitives';
import type { Graph, Node, Value } from './graph';
import { optimize } from './passes';
import { removeDeadCode } from './passes/dead-code';
import { rewrite } from './passes/rewrite';
import { trace } from './trace/trace';

/** The tfjs fallback of one primitive call as a graph: its inputs are the node's, in order. */
export function fallbackGraph(node: Node): Graph {
  const primitive = primitives.get(node.op);
  if (primitive === undefined) throw new TypeError(`decompose: ${node.op} is not a primitive.`);
  const keys = Object.keys(node.inputs);
  const { graph } = trace(Object.values(node.inputs), (tensors) =>
    primitive.fallback(Object.fromEntries(keys.map((key, i) => [key, tensors[i]])), node.attributes),
  );
  return removeDeadCode(graph);
}

function decomposeOnce(graph: Graph, wanted: (node: Node) => boolean): Graph {
  return rewrite(graph, (node, rewriting) => {
    if (!wanted(node)) return undefined;
    const inner = fallbackGraph(node);
    const actual = Object.values(node.inputs);
    const renamed = new Map<Value, Value>(inner.inputs.map((value, i) => [value, actual[i]]));
    for (const [value, data] of inner.constants) renamed.set(value, rewriting.constant(data, value));
    const current = (value: Value) => renamed.get(value) as Value;
    for (const { op, inputs, attributes, outputs } of inner.nodes) {
      const entries = Object.entries(inputs).map(([key, value]) => [key, current(value)] as const);
      const results = rewriting.node(op, Object.fromEntries(entries), attributes, outputs);
      outputs.forEach((value, i) => renamed.set(value, results[i]));
    }
    return inner.outputs.map(current);
  });
}

/**
 * Replace primitives by the nodes of their tfjs fallback, and clean the graph up again.
 *
 * @param supports - Which primitives to leave: those the engine has a kernel for.
 */
export function decompose(graph: Graph, supports: (node: Node) => boolean): Graph {
  const wanted = (node: Node) => primitives.has(node.op) && !supports(node);
  if (!graph.nodes.some(wanted)) return graph;
  let current = graph;
  // A fallback may itself call primitives.
  while (current.nodes.some(wanted)) current = decomposeOnce(current, wanted);
  return optimize(current);
}
