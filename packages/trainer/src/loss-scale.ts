/** A factor of the loss that keeps small gradients in the range of a 16-bit format (Micikevicius et al. 2018, arXiv 1710.03740, §3.2). */
export interface LossScale {
  readonly scale: number;
  /** Steps applied since it last changed. */
  readonly steps: number;
}

/** Applied steps after which the scale doubles. */
const growthInterval = 2000;

/** Larger scales do not help: the largest float16 is 65504. */
const largest = 2 ** 24;

export const initialLossScale: LossScale = { scale: 2 ** 16, steps: 0 };

/** Half after a step whose gradients were not finite, double after many that were. Powers of two, at least 1. */
export function nextLossScale({ scale, steps }: LossScale, applied: boolean): LossScale {
  if (!applied) return { scale: Math.max(1, scale / 2), steps: 0 };
  return steps + 1 < growthInterval ? { scale, steps: steps + 1 } : { scale: Math.min(largest, scale * 2), steps: 0 };
}
