import { decompose, type Graph, type HalfType, type Mesh, meshSize, type Node, type Value } from '@dinov2/jit';
import { primitives } from '@dinov2/primitives';
import { EngineError } from './errors';
import { isFunction, isProduct, lowerings, movesValues } from './lower';
import type { Builder } from './lower/builder';
import { useFlashAttention } from './lower/flash-attention';
import type { Call, Target } from './lower/lowering';
import { type Annotated, Module } from './lower/module';
import { sharded, shardingAttribute } from './lower/sharding';
import { elementType, isFloat, sameShape, type Spec, type Tensor, typeText } from './lower/tensor';

export interface LowerOptions {
  /** Devices that annotated values are split over. */
  readonly mesh?: Mesh;
  /** Pairs (input, output): the output may be written over the input. */
  readonly donations: readonly (readonly [input: number, output: number])[];
  /** Platform of the plugin: `cpu`, `cuda`, `rocm`, `tpu`. */
  readonly platform: string;
  /** Let cuDNN compute attention that is in 16 bits, on platform `cuda`. Default true. */
  readonly flashAttention?: boolean;
}

const kept = ({ shape, dtype, stored }: Value): Spec => ({ shape, type: elementType[stored ?? dtype] });
const whole = ({ shape, dtype }: Value): Spec => ({ shape, type: elementType[dtype] });

/**
 * A graph as the text of a StableHLO module with one public function, `@main`, whose arguments and results are those of
 * the graph. Float arguments and results are float32, also where values inside are kept in 16 bits.
 *
 * On a mesh, arguments and results without a sharding are whole on every device.
 *
 * @throws EngineError if the graph has an op that cannot be lowered
 */
export function lowerGraph(graph: Graph, options: LowerOptions): string {
  const { mesh } = options;
  const devices = mesh === undefined ? 1 : meshSize(mesh);
  const target = { platform: options.platform, devices };
  const lowering = new GraphLowering(mesh, target);
  const prepared = options.flashAttention !== false && options.platform === 'cuda' ? useFlashAttention(graph, target) : graph;
  const sharding = (value: Value) => (mesh === undefined ? [] : [shardingAttribute(value.sharding ?? [], value.shape.length, mesh)]);
  const donated = new Map(options.donations);
  const inputs = graph.inputs.map((value, i): Annotated => {
    const output = donated.get(i);
    return { ...whole(value), annotations: [...sharding(value), ...(output === undefined ? [] : [donation(value, graph.outputs[output]!, output, mesh)])] };
  });
  const outputs = graph.outputs.map((value): Annotated => ({ ...whole(value), annotations: sharding(value) }));
  const attributes = mesh === undefined ? [] : [`mhlo.num_partitions = ${devices} : i32`, 'mhlo.num_replicas = 1 : i32'];
  return lowering.module.finish(attributes, inputs, outputs, (b, args) => {
    const results = lowering.nodes(b, prepared, args);
    return results.map((result, i) => b.convert(result, outputs[i]!.type));
  });
}

/** The output takes the input's memory where both lie alike; elsewhere the memory is only given up. */
function donation(from: Value, to: Value, output: number, mesh: Mesh | undefined): string {
  const text = (value: Value) => mesh && shardingAttribute(value.sharding ?? [], value.shape.length, mesh);
  return text(from) === text(to) ? `tf.aliasing_output = ${output} : i32` : 'jax.buffer_donor = true';
}

class GraphLowering {
  readonly module = new Module();
  readonly #mesh: Mesh | undefined;
  readonly #target: Target;

  constructor(mesh: Mesh | undefined, target: Target) {
    this.#mesh = mesh;
    this.#target = target;
  }

  /** Write all nodes of a graph and return its outputs. */
  nodes(b: Builder, graph: Graph, inputs: readonly Tensor[]): Tensor[] {
    const tensors = new Map<Value, Tensor>();
    const define = (value: Value, tensor: Tensor) => {
      const annotated = value.sharding !== undefined && this.#mesh !== undefined;
      tensors.set(value, annotated ? sharded(b, tensor, value.sharding, this.#mesh!) : tensor);
    };
    graph.inputs.forEach((value, i) => tensors.set(value, inputs[i]!));
    for (const [value, data] of graph.constants) define(value, b.constant(data, whole(value)));
    for (const node of graph.nodes) {
      const operands = Object.fromEntries(Object.entries(node.inputs).map(([name, value]) => [name, tensors.get(value)!]));
      this.#node(b, node, operands).forEach((tensor, i) => define(node.outputs[i]!, tensor));
    }
    return graph.outputs.map((value) => tensors.get(value)!);
  }

  #node(b: Builder, node: Node, inputs: Readonly<Record<string, Tensor>>): Tensor[] {
    if (node.op === 'Reshard') return [this.#gathered(b, node, inputs['x']!)];
    if (!isFunction(node.op)) return this.#body(b, node, inputs);
    const names = Object.keys(inputs);
    const operands = Object.values(inputs);
    const outputs = node.outputs.map(kept);
    const key = `${node.op}(${operands.map((x, i) => `${names[i]}: ${typeText(x)}`).join()}) ${JSON.stringify(node.attributes)} ${outputs.map(typeText).join()}`;
    const info = this.module.function(key, node.op, operands, (inner, args) =>
      this.#body(inner, node, Object.fromEntries(names.map((name, i) => [name, args[i]!]))),
    );
    return b.call(info, operands);
  }

  /**
   * A value on its way to lying otherwise, as the annotation of the result says. The partitioner lets annotations reach
   * backwards, so that it would gather before it rounds, and once for all. Therefore what is rounded is held to lie as
   * before, and what the backward pass gathers again is told apart from what the forward pass gathered.
   */
  #gathered(b: Builder, { inputs: { x: value }, outputs: [result], attributes }: Node, x: Tensor): Tensor {
    const still = (tensor: Tensor) => (value!.sharding && this.#mesh ? sharded(b, tensor, value!.sharding, this.#mesh) : tensor);
    const rounded = still(b.convert(x, kept(result!).type));
    return attributes['phase'] === 'backward' ? still(b.barrier(rounded)) : rounded;
  }

  /** Inputs converted to what the op computes in, and outputs to what they are kept in. */
  #body(b: Builder, node: Node, inputs: Readonly<Record<string, Tensor>>): Tensor[] {
    const outputs = node.outputs.map(kept);
    const computing = (type: Spec['type']) =>
      Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, isFloat(x.type) ? b.convert(x, type) : x]));
    const compute = node.attributes.compute as HalfType | undefined;
    let results: Tensor[];
    if (isProduct.has(node.op)) {
      results = this.#lower(b, node, { inputs, outputs, ...(compute && { compute: elementType[compute] as 'bf16' | 'f16' }) });
    } else if (movesValues.has(node.op)) {
      results = this.#lower(b, node, { inputs: computing(isFloat(outputs[0]!.type) ? outputs[0]!.type : 'f32'), outputs });
    } else {
      results = this.#lower(b, node, { inputs: computing('f32'), outputs: node.outputs.map(whole) });
    }
    return results.map((result, i) => {
      const { shape, type } = outputs[i]!;
      const fits = sameShape(result.shape, shape) && (result.type === type || (isFloat(result.type) && isFloat(type)));
      if (!fits) throw new EngineError(`${node.op} was lowered to ${typeText(result)} where the graph says ${typeText(outputs[i]!)}; please report this.`);
      return b.convert(result, type);
    });
  }

  #lower(b: Builder, node: Node, call: Pick<Call, 'inputs' | 'outputs' | 'compute'>): Tensor[] {
    const lowering = lowerings[node.op];
    if (lowering !== undefined) return [lowering(b, { op: node.op, attributes: node.attributes, target: this.#target, ...call })].flat();
    if (!primitives.has(node.op)) throw new EngineError(unsupported(node));
    const values = Object.fromEntries(Object.entries(node.inputs).map(([name, { shape, dtype }], id) => [name, { id, shape, dtype }]));
    const results = node.outputs.map(({ shape, dtype }, i): Value => ({ id: Object.keys(values).length + i, shape, dtype }));
    const graph = { inputs: Object.values(values), outputs: results, nodes: [{ ...node, inputs: values, outputs: results }], constants: new Map() };
    const operands = Object.values(call.inputs).map((x) => (isFloat(x.type) ? b.convert(x, 'f32') : x));
    return this.nodes(b, decompose(graph, ({ op }) => op in lowerings), operands);
  }
}

function unsupported({ op, scope, source }: Node): string {
  const place = [scope && `in ${scope}`, source && `at ${source}`].filter(Boolean).join(' ');
  const kind = primitives.has(op) ? 'primitive' : 'op';
  return `the ${kind} ${op}${place && ` (${place})`} has no form in StableHLO here; write it with other ops or use another engine. Supported: ${Object.keys(lowerings).sort().join(', ')}.`;
}
