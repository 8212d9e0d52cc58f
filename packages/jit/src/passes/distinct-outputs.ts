import type { Graph, Node, Value } from '../graph';
import { idSource, valueOf } from './rewrite';

/** Give every output a value of its own that a node produces, through `Identity` where it is an input, a constant or a repetition. */
export function makeOutputsDistinct(graph: Graph): Graph {
  const nextId = idSource(graph);
  const taken = new Set<Value>([...graph.inputs, ...graph.constants.keys()]);
  const copies: Node[] = [];
  const outputs = graph.outputs.map((value) => {
    if (!taken.has(value)) {
      taken.add(value);
      return value;
    }
    const copy = valueOf(nextId(), value);
    copies.push({ op: 'Identity', inputs: { x: value }, attributes: {}, outputs: [copy] });
    return copy;
  });
  return copies.length === 0 ? graph : { ...graph, outputs, nodes: [...graph.nodes, ...copies] };
}
