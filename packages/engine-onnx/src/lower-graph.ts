import { decompose, type Graph, type Node, type Value } from '@dinov2/jit';
import { primitives } from '@dinov2/primitives';
import { Builder } from './builder';
import { EngineError } from './errors';
import { simdKernels } from './kernels';
import { lowerings } from './lower';
import type { Call } from './lower/lowering';
import type { Program, Storage, Tensor } from './program';
import { bytesOf } from './element-type';

/** Ops for which a WebAssembly kernel, where it fits, beats ONNX Runtime's (bench/kernels.mjs). */
const wasmFirst: ReadonlySet<string> = new Set(['Add', 'Sub', 'Multiply', 'AddN', 'LayerNorm']);

/** This engine runs the node as it is: by a lowering of its own or by a WebAssembly kernel. */
const isNative = (node: Node): boolean => node.op in lowerings || simdKernels.get(node.op)?.supports(node) === true;

/** Replace primitives that have no kernel here by the tfjs operations they are defined with. */
export const expand = (graph: Graph): Graph => decompose(graph, isNative);

/** Turn a graph into steps, in the order of its nodes. */
export function lowerGraph(graph: Graph): Program {
  const builder = new Builder();
  const tensors = new Map<Value, Tensor>();
  const inputs = graph.inputs.map((value): Storage => {
    const storage: Storage = { bytes: bytesOf(value.shape, value.dtype), kind: 'input' };
    tensors.set(value, { storage, offset: 0, shape: value.shape, type: value.dtype });
    return storage;
  });
  for (const [value, data] of graph.constants) tensors.set(value, builder.hostConstant(data, value));
  for (const node of graph.nodes) {
    builder.begin(node);
    lowerNode(builder, node, tensors).forEach((tensor, i) => tensors.set(node.outputs[i], tensor));
  }
  return builder.finish(
    inputs,
    graph.outputs.map((value) => tensors.get(value) as Tensor),
  );
}

function lowerNode(builder: Builder, node: Node, tensors: ReadonlyMap<Value, Tensor>): Tensor[] {
  const inputs = Object.fromEntries(
    Object.entries(node.inputs).map(([name, value]) => [name, tensors.get(value) as Tensor]),
  );
  const outputs = node.outputs.map(({ shape, dtype }) => ({ shape, dtype, type: dtype }));
  const call: Call = { op: node.op, inputs, attributes: node.attributes, outputs };
  const lowering = lowerings[node.op];
  const wasm = (): Tensor[] | undefined => builder.simd(node.op, inputs, outputs, node.attributes);
  const results = (wasmFirst.has(node.op) ? wasm() : undefined) ?? (lowering ? [lowering(builder, call)].flat() : wasm());
  if (!results) throw new EngineError(unsupported(node));
  results.forEach(({ shape, type }, i) => {
    const expected = outputs[i];
    if (type !== expected.type || shape.length !== expected.shape.length || shape.some((d, axis) => d !== expected.shape[axis])) {
      throw new EngineError(
        `${node.op} was lowered to ${type} (${shape.join(', ')}) where the graph says ${expected.type} (${expected.shape.join(', ')}); please report this.`,
      );
    }
  });
  return results;
}

function unsupported({ op, scope, source }: Node): string {
  const place = [scope && `in ${scope}`, source && `at ${source}`].filter(Boolean).join(' ');
  const kind = primitives.has(op) ? 'primitive' : 'op';
  return `the ${kind} ${op}${place && ` (${place})`} has no implementation on ONNX Runtime; write it with other ops or use the eager engine. Supported: ${supportedOps().join(', ')}.`;
}

/** Names of all graph ops that this engine runs without taking them apart. */
const supportedOps = (): string[] => [...new Set([...Object.keys(lowerings), ...simdKernels.keys()])].sort();
