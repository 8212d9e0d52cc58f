import type { Builder } from './builder';
import { operand } from './linear-algebra';
import { input, type Call, type Lowering, type LoweringTable, type Target } from './lowering';
import { softmax } from './reductions';
import { range, sizeOf, type Tensor } from './tensor';

/** Bytes of probabilities that are held at a time: on a processor what its cache holds, elsewhere what keeps it busy. */
const scoreBytes = (platform: string): number => (platform === 'cpu' ? 4 : 64) * 2 ** 20;

/** Fewer rows make products too thin to be fast. */
const fewestRows = 16;

/**
 * Queries whose probabilities are computed at a time, spread evenly over as few blocks as needed. The batch stays whole,
 * because on several devices it is what is split.
 *
 * @param shape - (…, N, d) of the queries
 */
export function blockRows(shape: readonly number[], { platform, devices }: Pick<Target, 'platform' | 'devices'>): number {
  const tokens = shape.at(-2)!;
  const lists = sizeOf(shape.slice(0, -2)) / devices;
  const most = Math.max(fewestRows, Math.floor(scoreBytes(platform) / (4 * tokens * lists)));
  return Math.ceil(tokens / Math.ceil(tokens / most));
}

/** Products over matrices in the last two axes: all axes before them are the batch. */
function product(b: Builder, x: Tensor, y: Tensor, contract: readonly [x: number, y: number]): Tensor {
  const batch = range(x.shape.length - 2);
  const axis = (offset: number) => x.shape.length + offset;
  return b.dot(x, y, { batch: [batch, batch], contract: [[axis(contract[0])], [axis(contract[1])]] }, 'f32');
}

/** softmax(scale q kᵀ) in float32. */
const probabilities = (b: Builder, q: Tensor, k: Tensor, scale: number): Tensor => {
  const scores = b.times(product(b, q, k, [-1, -1]), scale);
  return softmax(b, scores, scores.shape.length - 1);
};

/** Walk over blocks of rows of the queries. */
class Blocks {
  readonly rows: number;
  readonly count: number;
  readonly #tokens: number;

  constructor(shape: readonly number[], target: Target) {
    this.#tokens = shape.at(-2)!;
    this.rows = blockRows(shape, target);
    this.count = Math.ceil(this.#tokens / this.rows);
  }

  /** With rows of zeros at the end, so that all blocks are of one size. What is computed of them is cut off, or 0. */
  padded(b: Builder, x: Tensor): Tensor {
    const none = x.shape.map(() => 0);
    return b.pad(x, 0, none, none.with(-2, this.count * this.rows - this.#tokens));
  }

  cut(b: Builder, x: Tensor): Tensor {
    return b.sliceAxis(x, x.shape.length - 2, 0, this.#tokens);
  }

  /** Begin of a block, as `dynamicSlice` wants it. */
  #begin(b: Builder, x: Tensor, round: Tensor): Tensor[] {
    const zero = b.scalar(0, 'i32');
    return x.shape.map((_, axis) => (axis === x.shape.length - 2 ? b.times(round, this.rows) : zero));
  }

  read(b: Builder, x: Tensor, round: Tensor): Tensor {
    return b.dynamicSlice(x, this.#begin(b, x, round), x.shape.with(-2, this.rows));
  }

  write(b: Builder, x: Tensor, block: Tensor, round: Tensor): Tensor {
    return b.dynamicUpdateSlice(x, b.convert(block, x.type), this.#begin(b, x, round));
  }
}

const attention: Lowering = (b, call) => {
  const [q, k, v] = ['q', 'k', 'v'].map((name) => operand(b, input(call, name), call)) as [Tensor, Tensor, Tensor];
  const scale = call.attributes.scale as number;
  const blocks = new Blocks(q.shape, call.target);
  const block = (inner: Builder, rows: Tensor, keys: Tensor, values: Tensor) =>
    product(inner, operand(inner, probabilities(inner, rows, keys, scale), call), values, [-1, -2]);
  if (blocks.count === 1) return block(b, q, k, v);
  const queries = blocks.padded(b, q);
  const empty = b.splat(0, { shape: queries.shape, type: call.outputs[0]!.type });
  const [out] = b.repeat(blocks.count, [empty, queries, k, v], (inner, round, [sofar, rows, keys, values]) => [
    blocks.write(inner, sofar!, block(inner, blocks.read(inner, rows!, round), keys!, values!), round),
    rows!,
    keys!,
    values!,
  ]);
  return blocks.cut(b, out!);
};

/** Gradients of one block of queries; those of keys and values are this block's part of a sum. */
function blockGradients(b: Builder, call: Call, [q, k, v, dout]: readonly [Tensor, Tensor, Tensor, Tensor]): [dq: Tensor, dk: Tensor, dv: Tensor] {
  const scale = call.attributes.scale as number;
  const p = probabilities(b, q, k, scale);
  const dv = product(b, operand(b, p, call), dout, [-2, -2]);
  const weighted = b.multiply(p, product(b, dout, v, [-1, -1]));
  // ds = scale p (dp − Σ p dp)
  const sum = b.reduce('add', weighted, [weighted.shape.length - 1], true);
  const ds = operand(b, b.times(b.subtract(weighted, b.multiply(p, sum)), scale), call);
  return [product(b, ds, k, [-1, -2]), product(b, ds, q, [-2, -2]), dv];
}

const attentionGrad: Lowering = (b, call) => {
  const [q, k, v, dout] = ['q', 'k', 'v', 'dout'].map((name) => operand(b, input(call, name), call)) as [Tensor, Tensor, Tensor, Tensor];
  const blocks = new Blocks(q.shape, call.target);
  // Told apart from the forward pass, whose probabilities the compiler would else keep in between.
  if (blocks.count === 1) return blockGradients(b, call, [b.barrier(q), b.barrier(k), v, dout]);
  const [queries, gradients] = [blocks.padded(b, q), blocks.padded(b, dout)];
  const zeros = (x: Tensor, type = x.type) => b.splat(0, { shape: x.shape, type });
  const [dq, dk, dv] = b.repeat(
    blocks.count,
    [zeros(queries, call.outputs[0]!.type), zeros(k, 'f32'), zeros(v, 'f32'), queries, k, v, gradients],
    (inner, round, [dqs, dks, dvs, qs, ks, vs, douts]) => {
      const [dqBlock, dkBlock, dvBlock] = blockGradients(inner, call, [blocks.read(inner, qs!, round), ks!, vs!, blocks.read(inner, douts!, round)]);
      return [blocks.write(inner, dqs!, dqBlock, round), inner.add(dks!, dkBlock), inner.add(dvs!, dvBlock), qs!, ks!, vs!, douts!];
    },
  );
  return [blocks.cut(b, dq!), dk!, dv!];
};

export const attentionOps: LoweringTable = { Attention: attention, AttentionGrad: attentionGrad };
