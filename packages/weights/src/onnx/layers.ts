import type { VitConfig } from '@dinov2/vit';
import type { SavedModel } from '../save-backbone';
import type { GraphBuilder } from './graph';
import { transposed } from './transpose';

/** A graph in the making, and the model whose graph it is. */
export interface Context {
  readonly g: GraphBuilder;
  readonly config: VitConfig;
  readonly parameters: SavedModel['parameters'];
}

/** A parameter as it is. */
export function stored({ g, parameters }: Context, name: string): string {
  const { data, shape } = parameters[name]!;
  return g.weight(name, shape, () => data);
}

/** x · Wᵀ + b, with `scales` of the outputs multiplied into W and b. */
export function linear({ g, parameters }: Context, name: string, x: string, scales?: Float32Array): string {
  const { data, shape } = parameters[`${name}.weight`]!;
  const [outputs, inputs] = shape as [number, number];
  const weight = g.weight(`${name}.weight`, [inputs, outputs], () => transposed(data, outputs, inputs, scales));
  const bias = parameters[`${name}.bias`];
  if (bias === undefined) return g.op('MatMul', [x, weight], {}, name);
  const scaled = (): Float32Array => (scales === undefined ? bias.data : bias.data.map((value, i) => value * scales[i]!));
  return g.op('Add', [g.op('MatMul', [x, weight]), g.weight(`${name}.bias`, [outputs], scaled)], {}, name);
}

/** Layer norm over the last axis; its statistics are float32 in either precision. */
export function norm(context: Context, name: string, x: string, output = name): string {
  const weights = ['weight', 'bias'].map((part) => stored(context, `${name}.${part}`));
  const epsilon = { float: context.config.normEpsilon };
  return context.g.op('LayerNormalization', [x, ...weights], { axis: -1, epsilon }, output);
}

/** The exact form, in the operators that ONNX Runtime fuses with the bias before it. */
export function gelu({ g }: Context, x: string): string {
  const erf = g.op('Erf', [g.op('Div', [x, g.number(Math.SQRT2)])]);
  return g.op('Mul', [g.op('Mul', [x, g.op('Add', [erf, g.number(1)])]), g.number(0.5)]);
}

/** silu(first half) · second half, of (B, T, 2 · width). */
export function swiglu({ g }: Context, x: string, width: number): string {
  const [gate, value] = g.split(x, [width, width], 2) as [string, string];
  return g.op('Mul', [g.op('Mul', [gate, g.op('Sigmoid', [gate])]), value]);
}
