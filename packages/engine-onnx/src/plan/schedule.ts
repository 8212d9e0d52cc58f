import type { Graph, Node, Value } from '@dinov2/jit';
import { bytesOf } from '../element-type';

/**
 * Order the nodes of a graph so that less memory is in use, without changing what any node computes.
 *
 * The order of the graph is kept but for two kinds of nodes. One that writes the successor of a donated
 * argument waits for the other readers of that argument, so that it can write over it. One whose output is
 * larger than what dies with it waits until its output is needed.
 */
export function schedule(graph: Graph, donations: readonly (readonly [input: number, output: number])[]): Graph {
  const deferred = sink(graph, donations);
  return { ...graph, nodes: afterReaders(graph, deferred, donations) };
}

const valuesOf = (node: Node): Set<Value> => new Set(Object.values(node.inputs));

/** Move nodes towards their first consumer where that keeps nothing alive longer than it frees. */
function sink(graph: Graph, donations: readonly (readonly [number, number])[]): Node[] {
  const lastUse = new Map<Value, number>();
  graph.nodes.forEach((node, i) => {
    for (const value of valuesOf(node)) lastUse.set(value, i);
  });
  const producer = new Map<Value, number>();
  graph.nodes.forEach((node, i) => node.outputs.forEach((value) => producer.set(value, i)));
  for (const value of graph.outputs) lastUse.set(value, graph.nodes.length);
  for (const value of [...graph.inputs, ...graph.constants.keys()]) lastUse.set(value, Infinity);
  // A reader of a donated argument stays in front of the node that overwrites it.
  const writers = donations.map(([input, output]) => [graph.inputs[input], producer.get(graph.outputs[output]) ?? -1] as const);
  for (const [argument, writer] of writers) lastUse.set(argument, writer);

  /** Nodes to run right before the node at an index. */
  const before = new Map<number, number[]>();
  const position = graph.nodes.map((_, i) => i);
  const firstUse = new Map<Value, number>();
  for (const value of graph.outputs) firstUse.set(value, graph.nodes.length);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    const target = Math.min(...node.outputs.map((value) => firstUse.get(value) ?? i));
    const keepsNothing = [...valuesOf(node)].every((value) => (lastUse.get(value) ?? -1) >= target);
    if (target > i + 1 && target < graph.nodes.length && keepsNothing && node.outputs.some((value) => bytesOf(value.shape, value.dtype) > 4096)) {
      position[i] = target;
      before.set(target, [i, ...(before.get(target) ?? [])]);
    }
    for (const value of valuesOf(node)) firstUse.set(value, Math.min(firstUse.get(value) ?? Infinity, position[i]));
  }
  const ordered: Node[] = [];
  const emit = (i: number) => {
    for (const moved of before.get(i) ?? []) ordered.push(graph.nodes[moved]);
    if (position[i] === i) ordered.push(graph.nodes[i]);
  };
  graph.nodes.forEach((_, i) => emit(i));
  return ordered;
}

/** Stable topological order with the additional edges reader -> writer; edges that would close a cycle are left out. */
function afterReaders(graph: Graph, nodes: readonly Node[], donations: readonly (readonly [number, number])[]): Node[] {
  const producer = new Map<Value, number>();
  nodes.forEach((node, i) => node.outputs.forEach((value) => producer.set(value, i)));
  const readers = new Map<Value, number[]>();
  nodes.forEach((node, i) => {
    for (const value of valuesOf(node)) readers.set(value, [...(readers.get(value) ?? []), i]);
  });
  const waits = new Map<number, number[]>();
  for (const [input, output] of donations) {
    const writer = producer.get(graph.outputs[output]);
    if (writer === undefined) continue;
    const late = (readers.get(graph.inputs[input]) ?? []).filter((reader) => reader > writer);
    if (late.length > 0 && !late.some((reader) => reaches(nodes, readers, writer, reader))) waits.set(writer, late);
  }
  if (waits.size === 0) return [...nodes];

  const ordered: Node[] = [];
  const state = new Uint8Array(nodes.length);
  const visit = (i: number): boolean => {
    if (state[i] !== 0) return state[i] === 2;
    state[i] = 1;
    const needs = [...valuesOf(nodes[i])].flatMap((value) => producer.get(value) ?? []);
    for (const need of [...needs, ...(waits.get(i) ?? [])].sort((a, b) => a - b)) {
      // Two writers that wait for each other: one of them goes first and its result is copied.
      if (!visit(need) && needs.includes(need)) return false;
    }
    state[i] = 2;
    ordered.push(nodes[i]);
    return true;
  };
  nodes.forEach((_, i) => visit(i));
  return ordered.length === nodes.length ? ordered : [...nodes];
}

/** There is a path of values from one node to a later one. */
function reaches(nodes: readonly Node[], readers: ReadonlyMap<Value, readonly number[]>, from: number, to: number): boolean {
  const seen = new Set([from]);
  const stack = [from];
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    if (i === to) return true;
    for (const value of nodes[i].outputs) {
      for (const next of readers.get(value) ?? []) {
        if (next > to || seen.has(next)) continue;
        seen.add(next);
        stack.push(next);
      }
    }
  }
  return false;
}
