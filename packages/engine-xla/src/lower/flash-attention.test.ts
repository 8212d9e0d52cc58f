import type { Graph, HalfType, Node, Value } from '@dinov2/jit';
import { describe, expect, it } from 'vitest';
import { lowerGraph, type LowerOptions } from '../lower-graph';

let id = 0;
const value = (shape: readonly number[], stored?: HalfType): Value => ({ id: id++, shape, dtype: 'float32', ...(stored && { stored }) });
const shape = [2, 6, 258, 64];
const half = () => value(shape, 'bfloat16');

/** Attention and its gradient, as one step has them. */
function graphOf(parts: { forward?: boolean; backward?: boolean; compute?: HalfType | undefined; width?: number }): Graph {
  const { forward = true, backward = true, width = 64 } = parts;
  const compute = 'compute' in parts ? parts.compute : 'bfloat16';
  const sized = (v: Value): Value => ({ ...v, shape: v.shape.with(-1, width) });
  const [q, k, v, dout, out, dq, dk, dv] = Array.from({ length: 8 }, () => sized(half())) as [Value, Value, Value, Value, Value, Value, Value, Value];
  const attributes = { scale: 0.125, compute };
  const nodes: Node[] = [
    ...(forward ? [{ op: 'Attention', inputs: { q, k, v }, attributes, outputs: [out] }] : []),
    ...(backward ? [{ op: 'AttentionGrad', inputs: { q, k, v, dout }, attributes, outputs: [dq, dk, dv] }] : []),
  ];
  return { inputs: [q, k, v, dout], outputs: [...(forward ? [out] : []), ...(backward ? [dq, dk, dv] : [])], nodes, constants: new Map() };
}

const cuda: LowerOptions = { donations: [], platform: 'cuda' };
const calls = (text: string): string[] => [...text.matchAll(/stablehlo\.custom_call @(__cudnn\$\w+)\(/g)].map(([, name]) => name!);
const configs = (text: string): Record<string, unknown>[] =>
  [...text.matchAll(/backend_config = "(\{[^"]*)"/g)].map(([, json]) => (JSON.parse(json!.replaceAll('\\22', '"')) as { cudnn_fmha_backend_config: Record<string, unknown> }).cudnn_fmha_backend_config);

describe('flash attention', () => {
  it('hands its output and statistics to its gradient', () => {
    const text = lowerGraph(graphOf({}), cuda);
    expect(calls(text)).toEqual(['__cudnn$fmhaSoftmax', '__cudnn$fmhaSoftmaxBackward']);
    expect(text).toContain('-> (tensor<2x6x258x64xbf16>, tensor<2x6x258xf32>, tensor<0xui8>)');
    expect(text).not.toMatch(/258x258/);
  });

  it('computes the forward pass again for a gradient alone, and no statistics without one', () => {
    expect(calls(lowerGraph(graphOf({ forward: false }), cuda))).toEqual(['__cudnn$fmhaSoftmax', '__cudnn$fmhaSoftmaxBackward']);
    const text = lowerGraph(graphOf({ backward: false }), cuda);
    expect(calls(text)).toEqual(['__cudnn$fmhaSoftmax']);
    expect(text).toContain('-> (tensor<2x6x258x64xbf16>, tensor<0xui8>)');
  });

  // The two calls as jax 0.10.2 lowers jax.nn.dot_product_attention(implementation='cudnn') and its gradient for CUDA,
  // for query, key and value of (2, 258, 6, 64) bfloat16 and scale 0.125.
  it('is written as JAX writes it', () => {
    const text = lowerGraph(graphOf({}), cuda);
    const contraction = (left: string, right: string, leftBatch: string[], rightBatch: string[]) => ({
      lhs_contracting_dimensions: [left], rhs_contracting_dimensions: [right], lhs_batch_dimensions: leftBatch, rhs_batch_dimensions: rightBatch,
    });
    const shared = {
      algorithm: { algo_id: '0', math_type: 'TENSOR_OP_MATH', tuning_knobs: { 17: '1', 24: '0' }, is_cudnn_frontend: true, workspace_size: '0' },
      fmha_scale: 0.125,
      intermediate_tensor_shape: {
        element_type: 'BF16',
        dimensions: ['2', '6', '258', '258'],
        tuple_shapes: [],
        layout: {
          dim_level_types: [], dim_unique: [], dim_ordered: [], minor_to_major: ['3', '2', '1', '0'], tiles: [], element_size_in_bits: '0', memory_space: '0',
          index_primitive_type: 'PRIMITIVE_TYPE_INVALID', pointer_primitive_type: 'PRIMITIVE_TYPE_INVALID', dynamic_shape_metadata_prefix_bytes: '0',
        },
        is_dynamic_dimension: [false, false, false, false],
      },
      is_flash_attention: true,
      mask_type: 'NO_MASK',
      dropout_rate: 0, seed: 42, sliding_window_length: 0, max_seg_per_batch: 1, is_paged_attention: false,
    };
    expect(configs(text)).toEqual([
      {
        ...shared,
        bmm1_dot_dimension_numbers: contraction('3', '3', ['0', '2'], ['0', '2']),
        bmm2_dot_dimension_numbers: contraction('3', '1', ['0', '1'], ['0', '2']),
      },
      {
        ...shared,
        bmm1_grad_gemm1_dot_dimension_numbers: contraction('2', '1', ['0', '1'], ['0', '2']),
        bmm1_grad_gemm2_dot_dimension_numbers: contraction('3', '1', ['0', '1'], ['0', '2']),
        bmm2_grad_gemm1_dot_dimension_numbers: contraction('2', '1', ['0', '1'], ['0', '2']),
        bmm2_grad_gemm2_dot_dimension_numbers: contraction('3', '3', ['0', '2'], ['0', '2']),
      },
    ]);
    const rowMajor = 'dense<[3, 2, 1, 0]> : tensor<4xindex>';
    const tokensFirst = 'dense<[3, 1, 2, 0]> : tensor<4xindex>';
    const list = (...layouts: string[]) => `[${layouts.join(', ')}]`;
    expect(text).toContain(
      `operand_layouts = ${list(rowMajor, rowMajor, rowMajor)}, result_layouts = ${list(tokensFirst, 'dense<[2, 1, 0]> : tensor<3xindex>', 'dense<0> : tensor<1xindex>')}} : ` +
        '(tensor<2x258x6x64xbf16>, tensor<2x258x6x64xbf16>, tensor<2x258x6x64xbf16>) -> (tensor<2x6x258x64xbf16>, tensor<2x6x258xf32>, tensor<0xui8>)',
    );
    expect(text).toContain(
      `operand_layouts = ${list(rowMajor, rowMajor, rowMajor, 'dense<[2, 1, 0]> : tensor<3xindex>', rowMajor, rowMajor)}, ` +
        `result_layouts = ${list(tokensFirst, tokensFirst, tokensFirst, 'dense<0> : tensor<1xindex>')}} : ` +
        '(tensor<2x258x6x64xbf16>, tensor<2x258x6x64xbf16>, tensor<2x258x6x64xbf16>, tensor<2x6x258xf32>, tensor<2x258x6x64xbf16>, tensor<2x258x6x64xbf16>)',
    );
  });

  it('runs on each device for its part of the batch', () => {
    const text = lowerGraph(graphOf({}), { ...cuda, mesh: { data: 2 } });
    expect(text).toContain('@SPMDFullToShardShape');
    expect(text).toContain('tensor<1x258x6x64xbf16>');
    expect((configs(text)[0]!.intermediate_tensor_shape as { dimensions: string[] }).dimensions).toEqual(['1', '6', '258', '258']);
  });

  it.each<[string, Graph, LowerOptions]>([
    ['the platform has none', graphOf({}), { ...cuda, platform: 'tpu' }],
    ['it is not wanted', graphOf({}), { ...cuda, flashAttention: false }],
    ['products are in float32', graphOf({ compute: undefined }), cuda],
    ['heads are wider than its kernels', graphOf({ width: 136 }), cuda],
    ['heads are not a multiple of 8', graphOf({ width: 60 }), cuda],
    ['the batch does not split over the devices', graphOf({}), { ...cuda, mesh: { data: 4 } }],
  ])('leaves the work to blocks of queries where %s', (_, graph, options) => {
    expect(calls(lowerGraph(graph, options))).toEqual([]);
  });
});
