import { primitives } from '@dinov2/primitives';
import { bytes, type Graph, type Node, type Value } from './graph';
import { peakBytes } from './liveness';
import { ops } from './ops';

/** Work and memory of one run of a graph, worked out from shapes alone. */
export interface CostReport {
  readonly nodes: number;
  /** Floating-point operations; a multiply-add counts as two. */
  readonly flops: number;
  /** Bytes that all kernels together read and write. */
  readonly bytesMoved: number;
  /** Most bytes alive at once in graph order, inputs, constants and outputs included. */
  readonly peakBytes: number;
  readonly inputBytes: number;
  readonly constantBytes: number;
  readonly outputBytes: number;
  toString(): string;
}

/** Floating-point operations of one node, from the primitive's own formula or the table of tfjs kernels. */
export function nodeFlops(node: Node): number {
  const primitive = primitives.get(node.op);
  if (primitive !== undefined) return primitive.cost?.(node.inputs, node.attributes).flops ?? 0;
  return ops[node.op]?.flops?.(node.inputs, node.outputs, node.attributes) ?? 0;
}

const total = (values: Iterable<Value>) => [...values].reduce((sum, value) => sum + bytes(value), 0);

const si = (n: number, unit: string) => {
  const steps = ['', 'K', 'M', 'G', 'T', 'P'];
  const i = n < 1000 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log10(n) / 3));
  return `${(n / 1000 ** i).toPrecision(3)} ${steps[i]}${unit}`;
};

const binary = (n: number) => {
  const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const i = n < 1024 ? 0 : Math.min(steps.length - 1, Math.floor(Math.log2(n) / 10));
  return `${i === 0 ? n : (n / 1024 ** i).toFixed(1)} ${steps[i]}`;
};

export function costReport(graph: Graph): CostReport {
  const report = {
    nodes: graph.nodes.length,
    flops: graph.nodes.reduce((sum, node) => sum + nodeFlops(node), 0),
    bytesMoved: graph.nodes.reduce((sum, node) => sum + total(Object.values(node.inputs)) + total(node.outputs), 0),
    peakBytes: peakBytes(graph, () => true),
    inputBytes: total(graph.inputs),
    constantBytes: total(graph.constants.keys()),
    outputBytes: total(graph.outputs),
  };
  const text =
    `${report.nodes} node${report.nodes === 1 ? '' : 's'}, ${si(report.flops, 'FLOP')}, ${si(report.bytesMoved, 'B')} moved, ` +
    `peak ${binary(report.peakBytes)} (inputs ${binary(report.inputBytes)}, constants ${binary(report.constantBytes)}, outputs ${binary(report.outputBytes)})`;
  return { ...report, toString: () => text };
}
