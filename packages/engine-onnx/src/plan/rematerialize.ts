import type { Graph, Node, Value } from '@dinov2/jit';
import { bytesOf } from '../element-type';

/** Ops that cost no more than a few passes over their output, so that computing them again is cheap. */
const cheap: ReadonlySet<string> = new Set(['Gelu', 'LayerNorm', 'L2Normalize', 'Relu', 'SwiGLU', 'WeightNorm']);

/** Smaller tensors are not worth a second call. */
const smallest = 1 << 20;

const bytes = ({ shape, dtype }: Value): number => bytesOf(shape, dtype);

/** A node to compute again before the node at `before`, because nobody needs its output since `after`. */
interface Candidate {
  readonly node: Node;
  readonly after: number;
  readonly before: number;
}

/**
 * Compute cheap tensors again in the backward pass instead of keeping them, where their inputs are
 * kept anyway: the activation of an MLP next to its input, normalised tokens next to the tokens.
 * Only tensors that are idle while the most memory is in use are recomputed.
 */
export function rematerialize(graph: Graph, donations: readonly (readonly [input: number, output: number])[]): Graph {
  let { nodes } = graph;
  /** Outputs that need no memory of their own. */
  const overwriting = new Set(donations.map(([, output]) => graph.outputs[output]));
  // Every round moves the peak; far fewer rounds than this are needed.
  for (let round = 0; round < 32; round++) {
    const use = usage(graph, nodes, overwriting);
    const chosen = candidates(graph, nodes, donations, use).filter(({ after, before }) => after < use.peak && use.peak < before);
    if (chosen.length === 0) break;
    nodes = insert(graph, nodes, chosen);
  }
  return { ...graph, nodes };
}

interface Usage {
  /** Positions of the consumers of each value, rising. */
  readonly consumers: ReadonlyMap<Value, readonly number[]>;
  /** Position of the node that runs while most bytes are alive. */
  readonly peak: number;
}

/** Ops whose output is the input's memory. */
const views: ReadonlySet<string> = new Set(['Reshape', 'ExpandDims', 'Identity', 'SplitV', 'Unpack']);

function usage({ outputs }: Graph, nodes: readonly Node[], overwriting: ReadonlySet<Value>): Usage {
  const consumers = new Map<Value, number[]>();
  nodes.forEach((node, i) => {
    for (const value of new Set(Object.values(node.inputs))) {
      const positions = consumers.get(value);
      if (positions) positions.push(i);
      else consumers.set(value, [i]);
    }
  });
  for (const value of outputs) consumers.set(value, [...(consumers.get(value) ?? []), nodes.length]);
  const change = new Float64Array(nodes.length + 2);
  /** Last use of each value or of a view of it. */
  const last = new Map<Value, number>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    for (const value of node.outputs) last.set(value, Math.max(last.get(value) ?? i, consumers.get(value)?.at(-1) ?? i));
    if (views.has(node.op)) {
      const end = Math.max(...node.outputs.map((value) => last.get(value) as number));
      for (const value of Object.values(node.inputs)) last.set(value, Math.max(last.get(value) ?? i, end));
    }
  }
  nodes.forEach((node, i) => {
    if (views.has(node.op)) return;
    for (const value of node.outputs) {
      if (overwriting.has(value)) continue;
      change[i] += bytes(value);
      change[(last.get(value) as number) + 1] -= bytes(value);
    }
  });
  let alive = 0;
  let most = -1;
  let peak = 0;
  nodes.forEach((_, i) => {
    alive += change[i];
    if (alive > most) [most, peak] = [alive, i];
  });
  return { consumers, peak };
}

function candidates(
  graph: Graph,
  nodes: readonly Node[],
  donations: readonly (readonly [number, number])[],
  { consumers }: Usage,
): Candidate[] {
  const producers = new Map<Value, number>();
  nodes.forEach((node, i) => node.outputs.forEach((value) => producers.set(value, i)));
  /** Until when an argument or constant holds its value: donated ones are overwritten by their outputs. */
  const kept = new Map<Value, number>();
  for (const value of [...graph.inputs, ...graph.constants.keys()]) kept.set(value, Infinity);
  for (const [input, output] of donations) {
    kept.set(graph.inputs[input], producers.get(graph.outputs[output]) ?? -1);
  }
  return nodes.flatMap((node, position): Candidate[] => {
    const [output] = node.outputs;
    if (!cheap.has(node.op) || node.outputs.length !== 1 || bytes(output) < smallest) return [];
    const positions = consumers.get(output) ?? [];
    let after = position;
    let before = position;
    positions.forEach((consumer, i) => {
      const previous = i === 0 ? position : positions[i - 1];
      if (consumer < nodes.length && consumer - previous > before - after) [after, before] = [previous, consumer];
    });
    const inputsStay = Object.values(node.inputs).every(
      (value) => bytes(value) * 16 < bytes(output) || (kept.get(value) ?? consumers.get(value)?.at(-1) ?? -1) >= before,
    );
    // Small inputs are kept longer; arguments must still hold what they held.
    const argumentsHold = Object.values(node.inputs).every((value) => (kept.get(value) ?? Infinity) >= before);
    return before > after + 1 && inputsStay && argumentsHold ? [{ node, after, before }] : [];
  });
}

function insert(graph: Graph, nodes: readonly Node[], chosen: readonly Candidate[]): Node[] {
  let id = allValues(graph, nodes).reduce((most, value) => Math.max(most, value.id), -1) + 1;
  const again = new Map<number, Node[]>();
  const renamed = chosen.map(({ node, before }) => {
    const copy = { ...node.outputs[0], id: id++ };
    again.set(before, [...(again.get(before) ?? []), { ...node, outputs: [copy] }]);
    return { from: node.outputs[0], to: copy, before };
  });
  return nodes.flatMap((node, i) => {
    const active = renamed.filter(({ from, before }) => i >= before && Object.values(node.inputs).includes(from));
    const current = (value: Value) => active.find(({ from }) => from === value)?.to ?? value;
    const rewired =
      active.length === 0
        ? node
        : { ...node, inputs: Object.fromEntries(Object.entries(node.inputs).map(([name, value]) => [name, current(value)])) };
    return [...(again.get(i) ?? []), rewired];
  });
}

const allValues = (graph: Graph, nodes: readonly Node[]): Value[] => [
  ...graph.inputs,
  ...graph.constants.keys(),
  ...nodes.flatMap((node) => node.outputs),
];
