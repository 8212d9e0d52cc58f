import '@tensorflow/tfjs';
import type { DataType, Graph, HalfType, Node, Sharding, Value } from '@dinov2/jit';
import { describe, expect, it } from 'vitest';
import { opFamilies } from '../../jit/src/ops';
import { trace } from '../../jit/src/trace/trace';
import { attention } from '@dinov2/primitives';
import { lowerings } from './lower';
import { blockRows } from './lower/attention';
import { lowerGraph, type LowerOptions } from './lower-graph';

interface Kind {
  readonly dtype?: DataType;
  readonly stored?: HalfType;
  readonly sharding?: Sharding;
}

let id = 0;
const value = (shape: readonly number[], { dtype = 'float32', ...kind }: Kind = {}): Value => ({ id: id++, shape, dtype, ...kind });
const node = (op: string, inputs: Record<string, Value>, output: Value, attributes: Node['attributes'] = {}): Node => ({ op, inputs, attributes, outputs: [output] });
const graphOf = (inputs: Value[], outputs: Value[], nodes: Node[]): Graph => ({ inputs, outputs, nodes, constants: new Map() });
const plain: LowerOptions = { donations: [], platform: 'cpu' };
const count = (text: string, part: string): number => text.split(part).length - 1;

describe('lowerGraph', () => {
  it('writes one module with one public function', () => {
    const [x, y] = [value([2, 3]), value([2, 3])];
    expect(lowerGraph(graphOf([x], [y], [node('Exp', { x }, y)]), plain)).toMatchInlineSnapshot(`
      "module @graph {
        func.func public @main(%arg0: tensor<2x3xf32>) -> (tensor<2x3xf32>) {
          %0 = stablehlo.exponential %arg0 : tensor<2x3xf32>
          return %0 : tensor<2x3xf32>
        }
      }
      "
    `);
  });

  it('has a form for every op that can be traced', () => {
    const missing = Object.values(opFamilies).flatMap((family) => Object.keys(family)).filter((op) => !(op in lowerings));
    expect(missing).toEqual([]);
  });

  it('says which op is not known, where it is, and what to do', () => {
    const [x, y] = [value([2]), value([2])];
    const unknown = { ...node('FFT', { x }, y), scope: 'encoder', source: 'model.ts:12' };
    expect(() => lowerGraph(graphOf([x], [y], [unknown]), plain)).toThrow(/the op FFT \(in encoder at model\.ts:12\) has no form in StableHLO.*another engine/);
  });

  it('writes the body of a primitive once for all its calls of one shape', () => {
    const { graph } = trace([{ shape: [2, 2, 5, 4], dtype: 'float32' }], ([q]) => attention(attention(q!, q!, q!), q!, q!));
    const text = lowerGraph(graph, plain);
    expect(count(text, 'func.func private @Attention(')).toBe(1);
    expect(count(text, 'func.call @Attention(')).toBe(2);
  });

  it('writes numbers that decimal notation has not in bits', () => {
    const outputs = [Infinity, -Infinity, NaN, -0, 1e-7, 3].map((number) => ({ number, y: value([]) }));
    const nodes = outputs.map(({ number, y }) => node('Fill', {}, y, { shape: [], value: number, dtype: 'float32' }));
    const text = lowerGraph(graphOf([], outputs.map(({ y }) => y), nodes), plain);
    const written = [...text.matchAll(/dense<([^>]+)>/g)].map(([, number]) => number);
    // 1e-7 is rounded to float32.
    expect(written).toEqual(['0x7F800000', '0xFF800000', '0x7FC00000', '-0.0', '1.0000000116860974e-7', '3.0']);
  });
});

describe('donations', () => {
  const [x, y] = [value([4, 2], { sharding: [['data']] }), value([4, 2], { sharding: [['data']] })];
  const graph = graphOf([value([1]), x], [value([1]), y], []);
  const twoSteps = { ...graph, nodes: [node('Neg', { x: graph.inputs[0]! }, graph.outputs[0]!), node('Neg', { x }, y)] };

  it('name the output that takes the memory', () => {
    const text = lowerGraph(twoSteps, { ...plain, donations: [[1, 1]] });
    expect(text).toContain('%arg1: tensor<4x2xf32> {tf.aliasing_output = 1 : i32}');
    expect(text).toContain('%arg0: tensor<1xf32>,');
  });

  it('only give the memory up where input and output lie differently', () => {
    const other = value([4, 2], { sharding: [[], ['data']] });
    const text = lowerGraph(graphOf([x], [other], [node('Neg', { x }, other)]), { ...plain, mesh: { data: 2 }, donations: [[0, 0]] });
    expect(text).toContain('%arg0: tensor<4x2xf32> {mhlo.sharding = "{devices=[2,1]<=[2]}", jax.buffer_donor = true}');
  });
});

describe('shardings', () => {
  const mesh = { data: 4, fsdp: 2 };
  const [x, w] = [value([8, 6], { sharding: [['data', 'fsdp']] }), value([4, 6], { sharding: [['fsdp']] })];
  const [gathered, y, sum] = [value([4, 6], { sharding: [] }), value([8, 4], { sharding: [['data', 'fsdp']] }), value([])];
  const graph = graphOf(
    [x, w],
    [y, sum],
    [node('Reshard', { x: w }, gathered), node('Linear', { x, weight: gathered }, y), node('Sum', { x: y }, sum, { axis: [0, 1], keepDims: false })],
  );

  it('are written on arguments, results and annotated values', () => {
    const text = lowerGraph(graph, { ...plain, mesh });
    expect(text).toContain('module @graph attributes {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32}');
    expect(text).toContain('%arg0: tensor<8x6xf32> {mhlo.sharding = "{devices=[8,1]<=[8]}"}');
    expect(text).toContain('%arg1: tensor<4x6xf32> {mhlo.sharding = "{devices=[2,1,4]<=[4,2]T(1,0) last_tile_dim_replicate}"}');
    // A result without a sharding is whole everywhere.
    expect(text).toContain('-> (tensor<8x4xf32> {mhlo.sharding = "{devices=[8,1]<=[8]}"}, tensor<f32> {mhlo.sharding = "{replicated}"})');
    expect(text).toMatch(/custom_call @Sharding\(%\w+\) \{backend_config = "", mhlo\.sharding = "\{replicated\}"\} : \(tensor<4x6xf32>\) -> tensor<4x6xf32>/);
  });

  it('keep what the backward pass gathers apart from what the forward pass gathered', () => {
    const again = value([4, 6], { sharding: [] });
    const total = value([4, 6]);
    const nodes = [node('Reshard', { x: w }, gathered, { phase: 'forward' }), node('Reshard', { x: w }, again, { phase: 'backward' }), node('Add', { a: gathered, b: again }, total)];
    const text = lowerGraph(graphOf([w], [total], nodes), { ...plain, mesh });
    expect(count(text, 'optimization_barrier')).toBe(1);
    expect(count(text, 'mhlo.sharding = "{replicated}"} : (tensor<4x6xf32>)')).toBe(2);
    // Split before and after, so that nothing is gathered before it is told apart.
    expect(text).toMatch(/(%\w+) = stablehlo.custom_call @Sharding\(%arg0\) .*"\{devices=.*\n.*(%\w+) = stablehlo.optimization_barrier \1 .*\n.*(%\w+) = .*@Sharding\(\2\) .*"\{devices=.*\n.*@Sharding\(\3\) .*"\{replicated\}"/);
  });

  it('keep a gathered value split until it is rounded', () => {
    const half = value([4, 6], { sharding: [], stored: 'bfloat16' });
    const nodes = [node('Reshard', { x: w }, half), node('Linear', { x, weight: half }, y, { compute: 'bfloat16' })];
    const text = lowerGraph(graphOf([x, w], [y], nodes), { ...plain, mesh });
    expect(text).toMatch(/(%\w+) = stablehlo.convert %arg1 .*\n.*(%\w+) = .*@Sharding\(\1\) .*"\{devices=.*xbf16>\n.*@Sharding\(\2\) .*"\{replicated\}".*xbf16>/);
  });

  it('are left out without a mesh', () => {
    expect(lowerGraph(graph, plain)).not.toMatch(/sharding|num_partitions/i);
  });
});

describe('16 bits', () => {
  const half = { stored: 'bfloat16' } as const;

  it('are what products read and float32 what they sum in', () => {
    const [x, w, bias] = [value([2, 3]), value([4, 3]), value([4])];
    const [y, z] = [value([2, 4], half), value([2, 4])];
    const text = lowerGraph(
      graphOf([x, w, bias], [z], [node('Linear', { x, weight: w, bias }, y, { compute: 'bfloat16' }), node('Exp', { x: y }, z)]),
      plain,
    );
    expect(text).toContain('stablehlo.convert %arg0 : (tensor<2x3xf32>) -> tensor<2x3xbf16>');
    expect(text).toMatch(/dot_general .*: \(tensor<2x3xbf16>, tensor<4x3xbf16>\) -> tensor<2x4xf32>/);
    // The bias is added before the one rounding, and the exponential reads float32.
    expect(text).toMatch(/stablehlo\.add .* : tensor<2x4xf32>\n.*convert .* -> tensor<2x4xbf16>\n.*convert .* -> tensor<2x4xf32>\n.*exponential .* : tensor<2x4xf32>/);
  });

  it('hold the bias too where a GPU adds it inside of the product', () => {
    const [x, w, bias, y] = [value([2, 3]), value([4, 3]), value([4]), value([2, 4], half)];
    const text = lowerGraph(graphOf([x, w, bias], [y], [node('Linear', { x, weight: w, bias }, y, { compute: 'bfloat16' })]), { ...plain, platform: 'cuda' });
    expect(text).toMatch(/dot_general .* -> tensor<2x4xbf16>/);
    expect(text).toMatch(/stablehlo\.add .* : tensor<2x4xbf16>/);
  });

  it('are moved as they are', () => {
    const [x, h, t, y] = [value([2, 3]), value([2, 3], half), value([3, 2], half), value([3, 2])];
    const text = lowerGraph(graphOf([x], [y], [node('Neg', { x }, h), node('Transpose', { x: h }, t, { perm: [1, 0] }), node('Abs', { x: t }, y)]), plain);
    expect(text).toContain('stablehlo.transpose %1, dims = [1, 0] : (tensor<2x3xbf16>) -> tensor<3x2xbf16>');
    expect(count(text, 'stablehlo.convert')).toBe(2);
  });

  it('stay inside: arguments and results are float32', () => {
    const [x, y] = [value([2], half), value([2], half)];
    expect(lowerGraph(graphOf([x], [y], [node('Neg', { x }, y)]), plain)).toContain('@main(%arg0: tensor<2xf32>) -> (tensor<2xf32>)');
  });
});

describe('attention', () => {
  const shape = [2, 3, 2000, 8];
  const lower = (outputs: number, op: string, platform = 'cpu') => {
    const inputs = Array.from({ length: op === 'Attention' ? 3 : 4 }, () => value(shape));
    const results = Array.from({ length: outputs }, () => value(shape));
    const names = ['q', 'k', 'v', 'dout'];
    const call: Node = { op, inputs: Object.fromEntries(inputs.map((input, i) => [names[i]!, input])), attributes: { scale: 0.5 }, outputs: results };
    return lowerGraph(graphOf(inputs, results, [call]), { ...plain, platform });
  };

  it('never holds the probabilities of all tokens', () => {
    for (const text of [lower(1, 'Attention'), lower(3, 'AttentionGrad')]) {
      expect(count(text, '"stablehlo.while"')).toBe(1);
      const largest = Math.max(...[...text.matchAll(/tensor<([\dx]+)xf32>/g)].map(([, dims]) => dims!.split('x').reduce((a, b) => a * Number(b), 1)));
      // 4 MB of float32, or all queries with their padding.
      expect(largest).toBeLessThanOrEqual(2 ** 20);
      expect(text).not.toContain('2000x2000');
    }
  });

  it('takes as many queries at a time as the platform and the part of one device allow', () => {
    expect(blockRows(shape, { platform: 'cpu', devices: 1 })).toBe(87);
    expect(blockRows(shape, { platform: 'tpu', devices: 1 })).toBe(1000);
    expect(blockRows(shape, { platform: 'tpu', devices: 2 })).toBe(2000);
    expect(blockRows([64, 16, 2000, 64], { platform: 'cpu', devices: 1 })).toBe(16);
    expect(blockRows([1, 2, 17, 4], { platform: 'cpu', devices: 1 })).toBe(17);
  });

  it('needs no loop where one block is all', () => {
    expect(lower(1, 'Attention', 'tpu')).toContain('"stablehlo.while"');
    const { graph } = trace([{ shape: [2, 2, 5, 4], dtype: 'float32' }], ([q]) => attention(q!, q!, q!));
    expect(lowerGraph(graph, plain)).not.toContain('while');
  });

  it('tells queries and keys of the backward pass apart, so that no probabilities are kept for it', () => {
    const [q, k, v, dout] = [value([2, 2, 5, 4]), value([2, 2, 5, 4]), value([2, 2, 5, 4]), value([2, 2, 5, 4])];
    const results = [value([2, 2, 5, 4]), value([2, 2, 5, 4]), value([2, 2, 5, 4])];
    const text = lowerGraph(graphOf([q, k, v, dout], results, [{ op: 'AttentionGrad', inputs: { q, k, v, dout }, attributes: { scale: 0.5 }, outputs: results }]), plain);
    expect(count(text, 'optimization_barrier')).toBe(2);
  });
});
