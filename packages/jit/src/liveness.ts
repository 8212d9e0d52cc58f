import { bytes, type Graph, type Node, type Value } from './graph';

/** Ops whose result has the same elements in the same order as their input, so that it needs no memory of its own. */
const viewOps: ReadonlySet<string> = new Set(['Reshape', 'ExpandDims', 'Identity']);

/** For each node, the values that nothing after it reads: they can be freed once it ran. Graph outputs never are. */
export function lastUses(graph: Graph): Value[][] {
  const outputs = new Set(graph.outputs);
  const seen = new Set<Value>();
  const dying: Value[][] = graph.nodes.map(() => []);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const { inputs, outputs: produced } = graph.nodes[i];
    for (const value of [...Object.values(inputs), ...produced]) {
      if (seen.has(value) || outputs.has(value)) continue;
      seen.add(value);
      dying[i].push(value);
    }
  }
  return dying;
}

const onlyInput = (node: Node): Value => Object.values(node.inputs)[0];

/**
 * Most bytes held at once by the values that `includes` picks, when the graph runs in its order and
 * frees each value it computes after its last use. Views are free; inputs, constants and outputs are
 * never freed.
 */
export function peakBytes(graph: Graph, includes: (value: Value) => boolean): number {
  const storage = new Map<Value, Value>();
  const rootOf = (value: Value): Value => storage.get(value) ?? value;
  for (const node of graph.nodes) {
    if (viewOps.has(node.op)) storage.set(node.outputs[0], rootOf(onlyInput(node)));
  }
  const users = new Map<Value, number>();
  const kept = new Set([...graph.inputs, ...graph.constants.keys(), ...graph.outputs].map(rootOf));
  const dying = lastUses(graph);
  for (const values of dying) for (const value of values) users.set(rootOf(value), (users.get(rootOf(value)) ?? 0) + 1);

  const cost = (value: Value) => (includes(value) ? bytes(value) : 0);
  let live = [...graph.inputs, ...graph.constants.keys()].reduce((sum, value) => sum + cost(value), 0);
  let peak = live;
  graph.nodes.forEach((node, i) => {
    for (const value of node.outputs) if (rootOf(value) === value) live += cost(value);
    peak = Math.max(peak, live);
    for (const value of dying[i]) {
      const root = rootOf(value);
      const left = (users.get(root) as number) - 1;
      users.set(root, left);
      if (left === 0 && !kept.has(root)) live -= cost(root);
    }
  });
  return peak;
}
