import type { Graph, HalfType, Node, Value } from '@dinov2/jit';
import type { Builder } from './builder';
import { operand } from './linear-algebra';
import { input, type Call, type Lowering, type LoweringTable, type Target } from './lowering';
import { onEachDevice } from './sharding';
import { sizeOf, type Spec, type Tensor, typesText } from './tensor';

/**
 * Attention by cuDNN, as the custom calls that XLA's CUDA backend takes (`__cudnn$fmhaSoftmax` and
 * `__cudnn$fmhaSoftmaxBackward`). They take (B, N, H, d) in 16 bits, give (B, H, N, d) that lies in memory as
 * (B, N, H, d), and keep log-sum-exp of each query for the backward pass instead of probabilities.
 */

/** Widest heads that every card with tensor cores has kernels for. */
const widestHead = 128;

interface Attention {
  readonly batch: number;
  readonly heads: number;
  readonly tokens: number;
  readonly width: number;
}

/** All axes before the last three are the batch. */
const attentionOf = (shape: readonly number[]): Attention => {
  const [heads, tokens, width] = shape.slice(-3) as [number, number, number];
  return { batch: sizeOf(shape.slice(0, -3)), heads, tokens, width };
};

function fits({ inputs, attributes }: Node, devices: number): boolean {
  const { batch, width } = attentionOf(inputs.q!.shape);
  return attributes.compute !== undefined && width % 8 === 0 && width <= widestHead && batch % devices === 0;
}

/**
 * Replace the attention that cuDNN can compute. A gradient whose forward pass is in the graph takes its output and
 * statistics; another computes them again.
 */
export function useFlashAttention(graph: Graph, { devices }: Pick<Target, 'devices'>): Graph {
  const keyOf = ({ inputs: { q, k, v } }: Node): string => [q, k, v].map((value) => value!.id).join();
  const chosen = graph.nodes.filter((node) => (node.op === 'Attention' || node.op === 'AttentionGrad') && fits(node, devices));
  if (chosen.length === 0) return graph;
  const withGradient = new Set(chosen.filter(({ op }) => op === 'AttentionGrad').map(keyOf));
  let nextId = 1 + [...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)].reduce((most, { id }) => Math.max(most, id), 0);
  const forward = new Map<string, { out: Value; statistics: Value }>();
  const isChosen = new Set(chosen);
  const nodes = graph.nodes.map((node): Node => {
    if (!isChosen.has(node)) return node;
    const key = keyOf(node);
    if (node.op === 'AttentionGrad') {
      const known = forward.get(key);
      return { ...node, op: 'FlashAttentionGrad', inputs: { ...node.inputs, ...known } };
    }
    if (!withGradient.has(key)) return { ...node, op: 'FlashAttention' };
    const [out] = node.outputs as [Value];
    const statistics: Value = { id: nextId++, shape: out.shape.slice(0, -1), dtype: 'float32' };
    forward.set(key, { out, statistics });
    return { ...node, op: 'FlashAttention', outputs: [out, statistics] };
  });
  return { ...graph, nodes };
}

/** (…, H, N, d) as (B, N, H, d). */
const tokensFirst = (b: Builder, x: Tensor): Tensor => {
  const { batch, heads, tokens, width } = attentionOf(x.shape);
  return b.transpose(b.reshape(x, [batch, heads, tokens, width]), [0, 2, 1, 3]);
};

const elementName: Readonly<Record<HalfType, string>> = { bfloat16: 'BF16', float16: 'F16' };

/** Which axes of its two operands a product contracts, and which are its batch. */
const product = (left: number, right: number, leftBatch: readonly number[], rightBatch: readonly number[]) => ({
  lhs_contracting_dimensions: [String(left)],
  rhs_contracting_dimensions: [String(right)],
  lhs_batch_dimensions: leftBatch.map(String),
  rhs_batch_dimensions: rightBatch.map(String),
});

/** Batch and heads of (B, N, H, d) and of probabilities (B, H, N, N). */
const ofTokens = [0, 2];
const ofScores = [0, 1];

const forwardProducts = {
  bmm1_dot_dimension_numbers: product(3, 3, ofTokens, ofTokens),
  bmm2_dot_dimension_numbers: product(3, 1, ofScores, ofTokens),
};

const backwardProducts = {
  bmm1_grad_gemm1_dot_dimension_numbers: product(2, 1, ofScores, ofTokens),
  bmm1_grad_gemm2_dot_dimension_numbers: product(3, 1, ofScores, ofTokens),
  bmm2_grad_gemm1_dot_dimension_numbers: product(2, 1, ofScores, ofTokens),
  bmm2_grad_gemm2_dot_dimension_numbers: product(3, 3, ofTokens, ofTokens),
};

/** XLA's `GpuBackendConfig` of the call, as JSON. */
const backendConfig = ({ batch, heads, tokens }: Attention, scale: number, type: HalfType, products: object): string =>
  JSON.stringify({
    operation_queue_id: '0',
    cudnn_fmha_backend_config: {
      algorithm: {
        algo_id: '0',
        math_type: 'TENSOR_OP_MATH',
        tuning_knobs: { 17: '1', 24: '0' },
        is_cudnn_frontend: true,
        workspace_size: '0',
      },
      fmha_scale: scale,
      intermediate_tensor_shape: {
        element_type: elementName[type],
        dimensions: [batch, heads, tokens, tokens].map(String),
        tuple_shapes: [],
        layout: {
          dim_level_types: [],
          dim_unique: [],
          dim_ordered: [],
          minor_to_major: ['3', '2', '1', '0'],
          tiles: [],
          element_size_in_bits: '0',
          memory_space: '0',
          index_primitive_type: 'PRIMITIVE_TYPE_INVALID',
          pointer_primitive_type: 'PRIMITIVE_TYPE_INVALID',
          dynamic_shape_metadata_prefix_bytes: '0',
        },
        is_dynamic_dimension: [false, false, false, false],
      },
      is_flash_attention: true,
      mask_type: 'NO_MASK',
      ...products,
      dropout_rate: 0,
      seed: 42,
      sliding_window_length: 0,
      max_seg_per_batch: 1,
      is_paged_attention: false,
    },
  });

const layout = (order: readonly number[]): string => `dense<[${order.join(', ')}]> : tensor<${order.length}xindex>`;
const rowMajor = ({ shape }: Spec): string => layout(shape.map((_, i) => shape.length - 1 - i));

/** Results of four axes lie in memory with tokens before heads; the last result, cuDNN's workspace, is dropped. */
function cudnnCall(b: Builder, target: string, inputs: readonly Tensor[], outputs: readonly Spec[], config: string): Tensor[] {
  const results: Spec[] = [...outputs, { shape: [0], type: 'ui8' }];
  const resultLayouts = results.map((spec) => (spec.shape.length === 4 ? layout([3, 1, 2, 0]) : spec.shape.length === 1 ? 'dense<0> : tensor<1xindex>' : rowMajor(spec)));
  const text =
    `stablehlo.custom_call @${target}(${inputs.map(({ name }) => name).join(', ')}) {api_version = 2 : i32, ` +
    `backend_config = "${config.replaceAll('"', '\\22')}", operand_layouts = [${inputs.map(rowMajor).join(', ')}], ` +
    `result_layouts = [${resultLayouts.join(', ')}]} : ${typesText(inputs)} -> ${typesText(results)}`;
  return b.emitMany(text, results).slice(0, -1);
}

const halfOf = ({ attributes }: Call): HalfType => attributes.compute as HalfType;

/** Output (B, H, N, d), and log-sum-exp (B, H, N) if asked for. */
function forward(b: Builder, call: Call, [q, k, v]: readonly Tensor[], withStatistics: boolean): Tensor[] {
  const [batch, tokens, heads, width] = q!.shape as [number, number, number, number];
  const outputs: Spec[] = [
    { shape: [batch, heads, tokens, width], type: q!.type },
    ...(withStatistics ? [{ shape: [batch, heads, tokens], type: 'f32' } as const] : []),
  ];
  const config = backendConfig({ batch, heads, tokens, width }, call.attributes.scale as number, halfOf(call), forwardProducts);
  return cudnnCall(b, '__cudnn$fmhaSoftmax', [q!, k!, v!], outputs, config);
}

const operandsOf = (b: Builder, call: Call, names: readonly string[]): Tensor[] =>
  names.map((name) => tokensFirst(b, operand(b, input(call, name), call)));

const attention: Lowering = (b, call) => {
  const inputs = operandsOf(b, call, ['q', 'k', 'v']);
  const results = onEachDevice(b, call.target.devices, inputs, (parts) => forward(b, call, parts, call.outputs.length > 1));
  return results.map((result, i) => b.reshape(result, call.outputs[i]!.shape));
};

const attentionGrad: Lowering = (b, call) => {
  const { statistics } = call.inputs;
  const { batch, heads, tokens } = attentionOf(input(call, 'q').shape);
  const known = statistics === undefined ? [] : [...operandsOf(b, call, ['out']), b.reshape(statistics, [batch, heads, tokens])];
  const inputs = [...operandsOf(b, call, ['q', 'k', 'v', 'dout']), ...known];
  const results = onEachDevice(b, call.target.devices, inputs, ([q, k, v, dout, ...given]) => {
    const fresh = (): Tensor[] => {
      const [out, computed] = forward(b, call, [q!, k!, v!], true);
      return [tokensFirst(b, out!), computed!];
    };
    const [out, lse] = given.length > 0 ? given : fresh();
    const [size, length, count, width] = q!.shape as [number, number, number, number];
    const gradient = { shape: [size, count, length, width], type: q!.type };
    const config = backendConfig({ batch: size, heads: count, tokens: length, width }, call.attributes.scale as number, halfOf(call), backwardProducts);
    return cudnnCall(b, '__cudnn$fmhaSoftmaxBackward', [q!, k!, v!, lse!, dout!, out!], [gradient, gradient, gradient], config);
  });
  return results.map((result, i) => b.reshape(result, call.outputs[i]!.shape));
};

export const flashAttention: LoweringTable = { FlashAttention: attention, FlashAttentionGrad: attentionGrad };
