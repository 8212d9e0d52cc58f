import { checkParameters, parameterShapes, type VitConfig } from '@dinov2/vit';
import type { SavedModel } from '../save-backbone';
import { type Graph, GraphBuilder, type Precision } from './graph';
import { dataTypes } from './messages';
import { fromFloat32, type PatchGrid, patchGrid } from './patch-grid';
import { resampledPositions } from './position-table';
import { rotaryPositions, rotate, type Rotation } from './rotary-positions';
import { transposed } from './transpose';

type Parameters = SavedModel['parameters'];

/**
 * The graph of a backbone. Batch, height and width are open; the position table is resampled, or the
 * rotations are computed, from the size of the input.
 *
 * Input `pixel_values` (batch, 3, height, width), outputs `last_hidden_state` (batch, 1 + R + N, D) and
 * `pooler_output` (batch, D), all float32: the names of Hugging Face's exports. Like its models, and
 * unlike `@dinov2/vit`, the patch convolution leaves out rows and columns beyond a multiple of the patch.
 */
export function backboneGraph({ config, parameters }: SavedModel, precision: Precision): Graph {
  checkParameters(parameters, parameterShapes(config));
  const g = new GraphBuilder(precision);
  const D = config.embedDim;
  const { tokens, grid } = embed(g, config, parameters);
  const rotation =
    config.positions === 'rope' ? rotaryPositions(g, config, parameters['rope_embed.periods']!, grid) : undefined;

  let x = tokens;
  for (let i = 0; i < config.depth; i++) x = block(g, config, parameters, `blocks.${i}`, x, rotation);
  const last = norm(g, config, parameters, 'norm', x, precision === 'float32' ? 'last_hidden_state' : 'norm');
  if (precision !== 'float32') g.op('Cast', [last], { to: dataTypes.float32 }, 'last_hidden_state');
  g.op('Gather', ['last_hidden_state', g.int(0)], { axis: 1 }, 'pooler_output');
  return {
    nodes: g.nodes,
    initializers: g.initializers,
    inputs: [{ name: 'pixel_values', type: 'float32', shape: ['batch', 3, 'height', 'width'] }],
    outputs: [
      { name: 'last_hidden_state', type: 'float32', shape: ['batch', 'tokens', D] },
      { name: 'pooler_output', type: 'float32', shape: ['batch', D] },
    ],
  };
}

/** The sequence that enters the blocks, (B, 1 + R + N, D), and the grid of its patches. */
function embed(g: GraphBuilder, config: VitConfig, parameters: Parameters): { tokens: string; grid: PatchGrid } {
  const { embedDim: D, patchSize: p, registers: R } = config;
  const convolved = g.op(
    'Conv',
    [
      fromFloat32(g, 'pixel_values'),
      asStored(g, parameters, 'patch_embed.proj.weight'),
      asStored(g, parameters, 'patch_embed.proj.bias'),
    ],
    { kernel_shape: [p, p], strides: [p, p] },
    'patch_embed.proj',
  ); // (B, D, rows, columns)
  const grid = patchGrid(g, convolved);
  let patches = g.op('Transpose', [g.op('Reshape', [convolved, g.ints(0, D, -1)])], { perm: [0, 2, 1] }); // (B, N, D)
  const table = parameters['pos_embed'];
  if (table !== undefined) {
    patches = g.op('Add', [patches, fromFloat32(g, resampledPositions(g, config, table, grid))]);
  }
  const prefix = g.weight('prefix_tokens', [1, 1 + R, D], () => {
    const values = new Float32Array((1 + R) * D);
    values.set(parameters['cls_token']!.data);
    // The class token has the table's first row, registers have no position.
    if (table !== undefined) for (let i = 0; i < D; i++) values[i]! += table.data[i]!;
    if (R > 0) values.set(parameters['register_tokens']!.data, D);
    return values;
  });
  const batch = g.op('Shape', ['pixel_values'], { start: 0, end: 1 });
  const repeated = g.op('Expand', [prefix, g.op('Concat', [batch, g.ints(1, 1)], { axis: 0 })]);
  return { tokens: g.op('Concat', [repeated, patches], { axis: 1 }), grid };
}

function block(
  g: GraphBuilder,
  config: VitConfig,
  parameters: Parameters,
  name: string,
  x: string,
  rotation: Rotation | undefined,
): string {
  const gamma = (scale: string): Float32Array | undefined =>
    config.layerScale === 0 ? undefined : parameters[`${name}.${scale}.gamma`]!.data;

  const attended = attention(g, config, parameters, `${name}.attn`, norm(g, config, parameters, `${name}.norm1`, x), rotation);
  const mixed = g.op('Add', [linear(g, parameters, `${name}.attn.proj`, attended, gamma('ls1')), x]);

  const normed = norm(g, config, parameters, `${name}.norm2`, mixed);
  const [inner, outer] = config.ffn === 'mlp' ? ['fc1', 'fc2'] : ['w12', 'w3'];
  const hidden = linear(g, parameters, `${name}.mlp.${inner}`, normed);
  const width = parameters[`${name}.mlp.${outer}.weight`]!.shape[1]!;
  const active = config.ffn === 'mlp' ? gelu(g, hidden) : swiglu(g, hidden, width);
  return g.op('Add', [linear(g, parameters, `${name}.mlp.${outer}`, active, gamma('ls2')), mixed]);
}

/** Self-attention of (B, T, D), before its output projection. */
function attention(
  g: GraphBuilder,
  { embedDim: D, heads }: VitConfig,
  parameters: Parameters,
  name: string,
  x: string,
  rotation: Rotation | undefined,
): string {
  const d = D / heads;
  // Queries are made d^-½ times as long by their weights: the products of a head stay small in float16.
  const scales = new Float32Array(3 * D).fill(1).fill(d ** -0.5, 0, D);
  const qkv = linear(g, parameters, `${name}.qkv`, x, scales); // (B, T, 3D)
  const byHead = g.op('Transpose', [g.op('Reshape', [qkv, g.ints(0, 0, 3 * heads, d)])], { perm: [0, 2, 1, 3] });
  const [queries, keys, values] = split(byHead); // (B, heads, T, d)
  const products = g.op('MatMul', [queries, g.op('Transpose', [keys], { perm: [0, 1, 3, 2] })]);
  const attended = g.op('MatMul', [g.op('Softmax', [products], { axis: -1 }), values]);
  return g.op('Reshape', [g.op('Transpose', [attended], { perm: [0, 2, 1, 3] }), g.ints(0, 0, D)]);

  function split(joined: string): [string, string, string] {
    if (rotation === undefined) return g.split(joined, [heads, heads, heads], 1) as [string, string, string];
    const [turning, still] = g.split(joined, [2 * heads, heads], 1) as [string, string];
    const [q, k] = g.split(rotate(g, turning, d, rotation), [heads, heads], 1) as [string, string];
    return [q, k, still];
  }
}

/** The exact form, in the operators that ONNX Runtime fuses with the bias before it. */
function gelu(g: GraphBuilder, x: string): string {
  const erf = g.op('Erf', [g.op('Div', [x, g.number(Math.SQRT2)])]);
  return g.op('Mul', [g.op('Mul', [x, g.op('Add', [erf, g.number(1)])]), g.number(0.5)]);
}

/** silu(first half) · second half, of (B, T, 2 · width). */
function swiglu(g: GraphBuilder, x: string, width: number): string {
  const [gate, value] = g.split(x, [width, width], 2) as [string, string];
  return g.op('Mul', [g.op('Mul', [gate, g.op('Sigmoid', [gate])]), value]);
}

/** x · Wᵀ + b, with `scales` of the outputs multiplied into W and b. */
function linear(g: GraphBuilder, parameters: Parameters, name: string, x: string, scales?: Float32Array): string {
  const { data, shape } = parameters[`${name}.weight`]!;
  const [outputs, inputs] = shape as [number, number];
  const weight = g.weight(`${name}.weight`, [inputs, outputs], () => transposed(data, outputs, inputs, scales));
  const bias = parameters[`${name}.bias`];
  if (bias === undefined) return g.op('MatMul', [x, weight], {}, name);
  const scaled = (): Float32Array => (scales === undefined ? bias.data : bias.data.map((value, i) => value * scales[i]!));
  return g.op('Add', [g.op('MatMul', [x, weight]), g.weight(`${name}.bias`, [outputs], scaled)], {}, name);
}

/** Layer norm over the last axis; its statistics are float32 in either precision. */
function norm(g: GraphBuilder, config: VitConfig, parameters: Parameters, name: string, x: string, output = name): string {
  const [weight, bias] = ['weight', 'bias'].map((part) => asStored(g, parameters, `${name}.${part}`)) as [string, string];
  return g.op('LayerNormalization', [x, weight, bias], { axis: -1, epsilon: { float: config.normEpsilon } }, output);
}

function asStored(g: GraphBuilder, parameters: Parameters, name: string): string {
  const { data, shape } = parameters[name]!;
  return g.weight(name, shape, () => data);
}
