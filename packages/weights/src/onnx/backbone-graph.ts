import { checkParameters, ffnHiddenDim, parameterShapes } from '@dinov2/vit';
import type { SavedModel } from '../save-backbone';
import { attention } from './attention';
import { type Graph, GraphBuilder, type Precision } from './graph';
import { type Context, gelu, linear, norm, stored, swiglu } from './layers';
import { dataTypes } from './messages';
import { fromFloat32, type PatchGrid, patchGrid } from './patch-grid';
import { resampledPositions } from './position-table';
import { rotaryPositions, type Rotation } from './rotary-positions';

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
  const context = { g, config, parameters };
  const { tokens, grid } = embed(context);
  const rotation =
    config.positions === 'rope' ? rotaryPositions(g, config, parameters['rope_embed.periods']!, grid) : undefined;

  let x = tokens;
  for (let i = 0; i < config.depth; i++) x = block(context, `blocks.${i}`, x, rotation);
  const last = norm(context, 'norm', x, precision === 'float32' ? 'last_hidden_state' : 'norm');
  if (precision !== 'float32') g.op('Cast', [last], { to: dataTypes.float32 }, 'last_hidden_state');
  g.op('Gather', ['last_hidden_state', g.int(0)], { axis: 1 }, 'pooler_output');
  return {
    nodes: g.nodes,
    initializers: g.initializers,
    inputs: [{ name: 'pixel_values', type: 'float32', shape: ['batch', 3, 'height', 'width'] }],
    outputs: [
      { name: 'last_hidden_state', type: 'float32', shape: ['batch', 'tokens', config.embedDim] },
      { name: 'pooler_output', type: 'float32', shape: ['batch', config.embedDim] },
    ],
  };
}

/** The sequence that enters the blocks, (B, 1 + R + N, D), and the grid of its patches. */
function embed(context: Context): { tokens: string; grid: PatchGrid } {
  const { g, config, parameters } = context;
  const { embedDim: D, patchSize: p, registers: R } = config;
  const convolved = g.op(
    'Conv',
    [fromFloat32(g, 'pixel_values'), stored(context, 'patch_embed.proj.weight'), stored(context, 'patch_embed.proj.bias')],
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

function block(context: Context, name: string, x: string, rotation: Rotation | undefined): string {
  const { g, config, parameters } = context;
  const gamma = (scale: string): Float32Array | undefined =>
    config.layerScale === 0 ? undefined : parameters[`${name}.${scale}.gamma`]!.data;

  const attended = attention(context, `${name}.attn`, norm(context, `${name}.norm1`, x), rotation);
  const mixed = g.op('Add', [linear(context, `${name}.attn.proj`, attended, gamma('ls1')), x]);

  const normed = norm(context, `${name}.norm2`, mixed);
  const fed =
    config.ffn === 'mlp'
      ? linear(context, `${name}.mlp.fc2`, gelu(context, linear(context, `${name}.mlp.fc1`, normed)), gamma('ls2'))
      : linear(context, `${name}.mlp.w3`, swiglu(context, linear(context, `${name}.mlp.w12`, normed), ffnHiddenDim(config)), gamma('ls2'));
  return g.op('Add', [fed, mixed]);
}
