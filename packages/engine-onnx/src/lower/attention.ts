import type { Builder } from '../builder';
import { bytesOf } from '../element-type';
import type { Tensor } from '../program';
import { zip } from './elementwise';
import { matMul } from './linear-algebra';
import type { Lowering, LoweringTable } from './lowering';
import { reduce } from './reductions';

/** Probabilities of this size stay in a core's second-level cache between the calls that use them. */
const chunkBytes = 2 << 20;

/** Batch elements per chunk: as many as keep the probabilities in cache, at least one. */
function chunks(q: Tensor): { from: number; count: number }[] {
  const [batch, heads, tokens] = q.shape;
  const perElement = bytesOf([heads, tokens, tokens], 'float32');
  const most = Math.max(1, Math.floor(chunkBytes / perElement));
  const parts = Math.ceil(batch / most);
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((batch * i) / parts);
    return { from, count: Math.floor((batch * (i + 1)) / parts) - from };
  });
}

/**
 * softmax(scale q kᵀ) (B, H, N, N). The softmax is ONNX Runtime's: it uses all threads, and it reads a row
 * before it writes it, so that it may work in place.
 */
function probabilities(b: Builder, q: Tensor, k: Tensor, scale: number, into: Tensor): Tensor {
  const scores = matMul(b, q, k, { transposeB: true, alpha: scale, into });
  return b.ort('Softmax', [scores], scores, { attributes: { axis: -1 }, into: scores });
}

/** p (dp − Σ p dp) along the last axis, written over dp where a kernel allows it. */
function softmaxGradient(b: Builder, p: Tensor, dp: Tensor): Tensor {
  const fast = b.simd('SoftmaxGrad', { p, dp }, [{ shape: p.shape, dtype: 'float32' }], {}, [dp]);
  if (fast) return fast[0];
  const weighted = zip(b, 'Mul', p, dp);
  return zip(b, 'Sub', weighted, zip(b, 'Mul', p, reduce(b, 'ReduceSum', weighted, [3])));
}

const attention: Lowering = (b, { inputs: { q, k, v }, attributes, outputs: [y] }) => {
  const scale = attributes.scale as number;
  const parts = chunks(q);
  const [, heads, tokens] = q.shape;
  const scratch = b.empty([Math.max(...parts.map(({ count }) => count)), heads, tokens, tokens]);
  const out = b.empty(y.shape);
  for (const { from, count } of parts) {
    const part = (x: Tensor) => b.rows(x, from, count);
    const p = probabilities(b, part(q), part(k), scale, b.rows(scratch, 0, count));
    matMul(b, p, part(v), { into: part(out) });
  }
  return out;
};

const attentionGrad: Lowering = (b, { inputs: { q, k, v, dout }, attributes, outputs }) => {
  const scale = attributes.scale as number;
  const parts = chunks(q);
  const [, heads, tokens] = q.shape;
  const largest = Math.max(...parts.map(({ count }) => count));
  const scratch = [b.empty([largest, heads, tokens, tokens]), b.empty([largest, heads, tokens, tokens])];
  const [dq, dk, dv] = outputs.map(({ shape }) => b.empty(shape));
  for (const { from, count } of parts) {
    const part = (x: Tensor) => b.rows(x, from, count);
    const p = probabilities(b, part(q), part(k), scale, b.rows(scratch[0], 0, count));
    matMul(b, p, part(dout), { transposeA: true, into: part(dv) });
    const dp = matMul(b, part(dout), part(v), { transposeB: true, into: b.rows(scratch[1], 0, count) });
    const ds = softmaxGradient(b, p, dp);
    matMul(b, ds, part(k), { alpha: scale, into: part(dq) });
    matMul(b, ds, part(q), { transposeA: true, alpha: scale, into: part(dk) });
  }
  return [dq, dk, dv];
};

export const attentionOps: LoweringTable = { Attention: attention, AttentionGrad: attentionGrad };
