import { type Builder, type Tensor } from '../builder';
import { bytesOf } from '../element-type';
import { matMul, productTypes, type ProductTypes } from './linear-algebra';
import { concat, reduce, rows, zip, type Call, type Lowering, type LoweringTable } from './lowering';
import { softmaxRows } from './reductions';

/** Batch elements per chunk: as many as keep the probabilities within the limit, at least one. */
function chunks(b: Builder, q: Tensor): { from: number; count: number }[] {
  const [batch, heads, tokens] = q.shape;
  const most = Math.max(1, Math.floor(b.options.attentionBytes / bytesOf([heads, tokens, tokens], 'float32')));
  const parts = Math.ceil(batch / most);
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((batch * i) / parts);
    return { from, count: Math.floor((batch * (i + 1)) / parts) - from };
  });
}

const scaled = (b: Builder, x: Tensor, scale: number): Tensor => zip(b, 'Mul', b.cast(x, 'float32'), b.scalar(scale));

/** softmax(scale q kᵀ) (B, H, N, N) in float32. */
function probabilities(b: Builder, q: Tensor, k: Tensor, scale: number, types: ProductTypes, after: readonly Tensor[]): Tensor {
  const scores = matMul(b, q, k, { transposeB: true, types, after });
  return softmaxRows(b, scaled(b, scores, scale));
}

/**
 * Attention over chunks of the batch, one after the other: a chunk waits for the results of the one
 * before it, so that only one chunk's N × N matrices exist at a time.
 */
function overChunks(b: Builder, call: Call, run: (part: (name: string) => Tensor, after: readonly Tensor[]) => Tensor[]): Tensor[] {
  const results: Tensor[][] = [];
  for (const { from, count } of chunks(b, call.inputs.q)) {
    results.push(run((name) => rows(b, call.inputs[name], from, count), results.at(-1) ?? []));
  }
  return call.outputs.map((_, i) => concat(b, results.map((result) => result[i]), 0));
}

const attention: Lowering = (b, call) => {
  const scale = call.attributes.scale as number;
  const types = productTypes(call);
  return overChunks(b, call, (part, after) => {
    const p = probabilities(b, part('q'), part('k'), scale, types, after);
    return [matMul(b, p, part('v'), { types })];
  });
};

const attentionGrad: Lowering = (b, call) => {
  const scale = call.attributes.scale as number;
  const types = productTypes(call);
  return overChunks(b, call, (part, after) => {
    const [q, k, v, dout] = ['q', 'k', 'v', 'dout'].map(part);
    const p = probabilities(b, q, k, scale, types, after);
    const dp = b.cast(matMul(b, dout, v, { transposeB: true, types, after }), 'float32');
    // softmax: ds = p (dp − Σ p dp)
    const weighted = zip(b, 'Mul', p, dp);
    const ds = scaled(b, zip(b, 'Sub', weighted, zip(b, 'Mul', p, reduce(b, 'Sum', weighted, [3], true))), scale);
    return [matMul(b, ds, k, { types }), matMul(b, ds, q, { transposeA: true, types }), matMul(b, p, dout, { transposeA: true, types })];
  });
};

export const attentionOps: LoweringTable = { Attention: attention, AttentionGrad: attentionGrad };
