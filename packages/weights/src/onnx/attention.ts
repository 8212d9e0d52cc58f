import { type Context, linear } from './layers';
import { rotate, type Rotation } from './rotary-positions';

/** Self-attention of (B, T, D), before its output projection. */
export function attention(context: Context, name: string, x: string, rotation: Rotation | undefined): string {
  const { g, config } = context;
  const { embedDim: D, heads } = config;
  const d = D / heads;
  // Queries are made d^-½ times as long by their weights: the products of a head stay small in float16.
  const scales = new Float32Array(3 * D).fill(1).fill(d ** -0.5, 0, D);
  const qkv = linear(context, `${name}.qkv`, x, scales); // (B, T, 3D)
  const byHead = g.op('Transpose', [g.op('Reshape', [qkv, g.ints(0, 0, 3 * heads, d)])], { perm: [0, 2, 1, 3] });
  const [queries, keys, values] = split(context, byHead, d, rotation); // (B, heads, T, d)
  const products = g.op('MatMul', [queries, g.op('Transpose', [keys], { perm: [0, 1, 3, 2] })]);
  const attended = g.op('MatMul', [g.op('Softmax', [products], { axis: -1 }), values]);
  return g.op('Reshape', [g.op('Transpose', [attended], { perm: [0, 2, 1, 3] }), g.ints(0, 0, D)]);
}

/** Queries, keys and values of (B, 3 · heads, T, d), the first two rotated. */
function split(
  { g, config: { heads } }: Context,
  joined: string,
  d: number,
  rotation: Rotation | undefined,
): [queries: string, keys: string, values: string] {
  if (rotation === undefined) return g.split(joined, [heads, heads, heads], 1) as [string, string, string];
  const [turning, values] = g.split(joined, [2 * heads, heads], 1) as [string, string];
  const [queries, keys] = g.split(rotate(g, turning, d, rotation), [heads, heads], 1) as [string, string];
  return [queries, keys, values];
}
