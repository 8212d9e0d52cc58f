import type { Attributes } from '@dinov2/primitives';
import type { Graph, Node, TypedArray, Value } from '../graph';
import { rewrite } from './rewrite';

/** JSON writes NaN, infinities and -0 alike or as null; attributes hold all of them. */
const exact = (_: string, value: unknown): unknown =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? `number ${Object.is(value, -0) ? '-0' : value}` : value;

const attributesKey = (attributes: Attributes): string =>
  JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)), exact);

/** Equal for nodes that compute the same. */
const nodeKey = ({ op, inputs, attributes }: Node): string =>
  `${op}(${Object.entries(inputs).map(([key, { id }]) => `${key}=${id}`).join()}) ${attributesKey(attributes)}`;

/** Longer constants are rarely equal and dear to compare. */
const maxCompared = 1024;

const constantKey = ({ shape, dtype }: Value, data: TypedArray): string =>
  `${dtype}[${shape.join()}] ${new Uint8Array(data.buffer, data.byteOffset, data.byteLength).join()}`;

/** The same constant written twice becomes one. */
function shareConstants(graph: Graph): Graph {
  const known = new Map<string, Value>();
  const renamed = new Map<Value, Value>();
  for (const [value, data] of graph.constants) {
    if (data.length > maxCompared) continue;
    const key = constantKey(value, data);
    const first = known.get(key);
    if (first === undefined) known.set(key, value);
    else renamed.set(value, first);
  }
  if (renamed.size === 0) return graph;
  const current = (value: Value) => renamed.get(value) ?? value;
  return {
    ...graph,
    outputs: graph.outputs.map(current),
    nodes: graph.nodes.map((node) => {
      const entries = Object.entries(node.inputs);
      if (!entries.some(([, value]) => renamed.has(value))) return node;
      return { ...node, inputs: Object.fromEntries(entries.map(([key, value]) => [key, current(value)])) };
    }),
    constants: new Map([...graph.constants].filter(([value]) => !renamed.has(value))),
  };
}

/** Compute once what is computed twice from the same values: every kernel here is a pure function. */
export function shareCommonSubexpressions(graph: Graph): Graph {
  const known = new Map<string, readonly Value[]>();
  return rewrite(shareConstants(graph), (node) => {
    const key = nodeKey(node);
    const first = known.get(key);
    if (first === undefined) known.set(key, node.outputs);
    return first;
  });
}
