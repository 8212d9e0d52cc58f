import { primitives } from '@dinov2/primitives';
import type { Graph, Node, Value } from './graph';
import { idSource, rewrite } from './passes/rewrite';
import { removeDeadCode } from './passes/dead-code';
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
  const nextId = idSource(graph);
  const replaced = rewrite(graph, (node) => {
    if (!wanted(node)) return undefined;
    const inner = fallbackGraph(node);
    const actual = Object.values(node.inputs);
    const renamed = new Map<Value, Value>(inner.inputs.map((value, i) => [value, actual[i]]));
    const current = (value: Value): Value => {
      const known = renamed.get(value);
      if (known !== undefined) return known;
      const fresh = { ...value, id: nextId() };
      renamed.set(value, fresh);
      return fresh;
    };
    const { scope, source } = node;
    const nodes = inner.nodes.map(
      (n): Node => ({
        op: n.op,
        attributes: n.attributes,
        inputs: Object.fromEntries(Object.entries(n.inputs).map(([key, value]) => [key, current(value)])),
        outputs: n.outputs.map(current),
        ...(scope === undefined ? {} : { scope }),
        ...(source === undefined ? {} : { source }),
      }),
    );
    const constants = new Map([...inner.constants].map(([value, data]) => [current(value), data] as const));
    return { nodes, constants, outputs: inner.outputs.map(current) };
  });
  // A fallback may itself call primitives.
  return decompose(replaced, supports);
}
