import { primitives } from '@dinov2/primitives';
import type { Graph, Node, Value } from './graph';
import { removeDeadCode } from './passes/dead-code';
import { rewrite } from './passes/rewrite';
import { trace } from './trace/trace';

/** The tfjs fallback of one primitive call as a graph: its inputs are the node's, in order. */
function fallbackGraph(node: Node): Graph {
  const primitive = primitives.get(node.op);
  if (primitive === undefined) throw new TypeError(`decompose: ${node.op} is not a primitive.`);
  const keys = Object.keys(node.inputs);
  const { graph } = trace(Object.values(node.inputs), (tensors) =>
    primitive.fallback(Object.fromEntries(keys.map((key, i) => [key, tensors[i]])), node.attributes),
  );
  return removeDeadCode(graph);
}

/**
 * Replace primitives by the nodes of their tfjs fallback.
 *
 * @param supports - Which primitives to leave: those the engine has a kernel for.
 */
export function decompose(graph: Graph, supports: (node: Node) => boolean): Graph {
  const wanted = (node: Node) => primitives.has(node.op) && !supports(node);
  if (!graph.nodes.some(wanted)) return graph;
  const replaced = rewrite(graph, (node, rewriting) => {
    if (!wanted(node)) return undefined;
    const inner = fallbackGraph(node);
    const actual = Object.values(node.inputs);
    const renamed = new Map<Value, Value>(inner.inputs.map((value, i) => [value, actual[i]]));
    for (const [value, data] of inner.constants) renamed.set(value, rewriting.constant(data, value));
    const current = (value: Value) => renamed.get(value) as Value;
    for (const { op, inputs, attributes, outputs } of inner.nodes) {
      const entries = Object.entries(inputs).map(([key, value]) => [key, current(value)]);
      const results = rewriting.node(op, Object.fromEntries(entries) as Record<string, Value>, attributes, outputs);
      outputs.forEach((value, i) => renamed.set(value, results[i]));
    }
    return inner.outputs.map(current);
  });
  // A fallback may itself call primitives.
  return decompose(replaced, supports);
}
