import { primitives } from '@dinov2/primitives';
import { fallbackGraph } from '../decompose';
import { JitError } from '../errors';
import type { Graph, HalfType, Node, Value } from '../graph';
import { removeDeadCode } from '../passes/dead-code';
import { rewrite } from '../passes/rewrite';
import { averageFirst } from './average-first';
import { Mapping } from './mapping';
import { rowRule, rules } from './rules';

export interface ShardOptions {
  /** Number of shards. */
  readonly count: number;
  /** Whether an input of the graph differs between shards. */
  isMapped(input: number): boolean;
  /** What an output is called, for errors. */
  outputName(output: number): string;
  /** Whether devices hold parts of an input that all shards share. */
  isSplit(input: number): boolean;
}

/**
 * The graph of several shards from the graph of one: batch inputs get a first axis that counts the shards, and with
 * them every value that depends on them. What shards share is computed once. `acrossShards` averages over the axis,
 * Sinkhorn-Knopp balances over the rows of all shards, and everything else stays within a shard.
 *
 * Shared values that are split over devices are gathered where shards read them, once in the forward and once in the
 * backward pass.
 *
 * @throws JitError for an op that has no rule, or an output that differs between shards.
 */
export function mapOverShards(graph: Graph, { count, isMapped, isSplit, outputName }: ShardOptions): Graph {
  const mapping = new Mapping(count);
  const values = new Map<Value, Value>();
  const inputs = graph.inputs.map((input, i) => {
    const value = mapping.input(input, isMapped(i) ? 'mapped' : isSplit(i) ? 'split' : 'shared');
    values.set(input, value);
    return value;
  });
  const averaged = removeDeadCode(averageFirst(graph));
  mapNodes(mapping, averaged, values);
  const outputs = averaged.outputs.map((output, i) => {
    const value = values.get(output)!;
    if (mapping.isMapped(value)) {
      throw new JitError(`${outputName(i)} differs between the shards of a batch; return its mean with acrossShards() of @dinov2/primitives.`);
    }
    return value;
  });
  return { inputs, outputs, nodes: mapping.nodes, constants: mapping.constants };
}

function mapNodes(mapping: Mapping, graph: Graph, values: Map<Value, Value>): void {
  for (const [value, data] of graph.constants) values.set(value, mapping.constant(data, value));
  for (const node of graph.nodes) {
    mapping.begin(node);
    const inputs = Object.fromEntries(Object.entries(node.inputs).map(([key, value]) => [key, values.get(value)!]));
    mapNode(mapping, node, inputs).forEach((value, i) => values.set(node.outputs[i], value));
  }
}

function mapNode(mapping: Mapping, node: Node, inputs: Readonly<Record<string, Value>>): Value[] {
  if (node.op === 'ShardMean') return [mapping.mean(inputs.x)];
  if (!Object.values(inputs).some((value) => mapping.isMapped(value))) return mapping.node(node.op, inputs, node.attributes, node.outputs);
  const whole = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, mapping.whole(value, node.attributes.compute as HalfType | undefined)]));
  const rule = rules[node.op] ?? rowRule(node, mapping, whole);
  if (rule !== undefined) return rule(mapping, node, whole);
  if (!primitives.has(node.op)) throw mapping.refuse(`it has no rule for that. Ops that have one: ${[...Object.keys(rules)].sort().join(', ')}, and all primitives.`);
  return mapFallback(mapping, node, whole);
}

/** A primitive by the tfjs operations that it stands for. */
function mapFallback(mapping: Mapping, node: Node, inputs: Readonly<Record<string, Value>>): Value[] {
  const inner = fallbackGraph(node);
  const actual = Object.values(inputs);
  const values = new Map<Value, Value>(inner.inputs.map((value, i) => [value, actual[i]]));
  const kept = inner.outputs.map((output, i) => [output, node.outputs[i].stored] as const);
  const scoped: Graph = {
    ...inner,
    nodes: inner.nodes.map((part) => ({
      ...part,
      ...(node.scope !== undefined && { scope: node.scope }),
      ...(node.source !== undefined && { source: node.source }),
    })),
  };
  mapNodes(mapping, scoped, values);
  return kept.map(([output, stored]) => {
    const value = mapping.spread(values.get(output)!);
    return stored === undefined ? value : mapping.node('Identity', { x: value }, {}, [{ ...value, stored }])[0];
  });
}

/** The graph of one shard alone: the mean over shards is itself. */
export function withoutShards(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'ShardMean')) return graph;
  return rewrite(graph, ({ op, inputs }) => (op === 'ShardMean' ? [inputs.x] : undefined));
}
