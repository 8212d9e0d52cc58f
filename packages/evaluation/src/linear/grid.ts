import { EvaluationError } from '../error';

/** One head of the grid. */
export interface LinearHead {
  /** As the reference names it, such as `classifier_4_blocks_avgpool_True_lr_0_00500`. */
  readonly name: string;
  /** Class tokens of this many last blocks go in, in the order of the blocks. */
  readonly blocks: number;
  /** The mean of the last block's patch tokens goes in after them. */
  readonly avgpool: boolean;
  /** Before and after scaling by batch / 256. */
  readonly learningRate: number;
  readonly scaledLearningRate: number;
}

/** Heads with one input; their products with it are one. */
export interface HeadGroup {
  /** Prefix of the group's parameters in a {@link LinearState}. */
  readonly key: string;
  readonly blocks: number;
  readonly avgpool: boolean;
  readonly heads: readonly LinearHead[];
}

export interface GridOptions {
  readonly blocks: readonly number[];
  readonly avgpool: readonly boolean[];
  readonly learningRates: readonly number[];
  readonly batchSize: number;
}

/**
 * The grid in the reference's order: blocks, then avgpool, then learning rates.
 *
 * A name holds the scaled learning rate to five decimals, by which small rates of a small batch become equal (1e-5
 * and 2e-5 at batch 128): the reference then keeps one head of the two. Here such heads have as many decimals in their
 * names as tell them apart, so every head is kept.
 */
export function linearGrid({ blocks, avgpool, learningRates, batchSize }: GridOptions): HeadGroup[] {
  const lists = { blocks, avgpool, learningRates };
  for (const [name, list] of Object.entries(lists)) {
    if (list.length === 0) throw new EvaluationError(`${name} is an empty list; name at least one value`);
    if (new Set<unknown>(list).size < list.length) throw new EvaluationError(`${name} (${list.join(', ')}) names a value twice; name each once`);
  }
  for (const n of blocks) if (!Number.isInteger(n) || n < 1) throw new EvaluationError(`blocks has ${n}; expected whole numbers from 1, such as [1, 4]`);
  for (const rate of learningRates) {
    if (!(rate > 0 && Number.isFinite(rate))) throw new EvaluationError(`learning rate ${rate}; expected a positive number, such as 1e-3`);
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new EvaluationError(`batchSize is ${batchSize}; expected a whole number from 1, such as 128`);

  const scaled = learningRates.map((rate) => (rate * batchSize) / 256);
  const decimals = scaled.map((rate) => {
    let digits = 5;
    while (scaled.some((other) => other !== rate && other.toFixed(digits) === rate.toFixed(digits)) && digits < 100) digits++;
    return rate.toFixed(digits).replace('.', '_');
  });
  return blocks.flatMap((n) =>
    avgpool.map((pool) => {
      const input = `${n}_blocks_avgpool_${pool ? 'True' : 'False'}`;
      const heads = learningRates.map((learningRate, i) => ({
        name: `classifier_${input}_lr_${decimals[i]}`,
        blocks: n,
        avgpool: pool,
        learningRate,
        scaledLearningRate: scaled[i]!,
      }));
      return { key: input, blocks: n, avgpool: pool, heads };
    }),
  );
}
