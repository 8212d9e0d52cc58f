/** A value for each iteration, counted from 0. */
export type IterationSchedule = (iteration: number) => number;

export interface WarmUp {
  readonly iterations: number;
  /** Factor at iteration 0. */
  readonly ratio: number;
}

/** Factor that rises linearly from the ratio to 1; multiplies the schedule below it, as mmcv's hooks do. */
function warmUpFactor({ iterations, ratio }: WarmUp, iteration: number): number {
  return iteration < iterations ? 1 - (1 - iteration / iterations) * (1 - ratio) : 1;
}

/** `base · (1 − t / total)^power` under a linear warm-up. */
export function polynomialSchedule(base: number, total: number, warmUp: WarmUp, power = 1): IterationSchedule {
  return (t) => base * (1 - t / total) ** power * warmUpFactor(warmUp, t);
}

/** Half a cosine from `base` to `base · finalRatio` under a linear warm-up. */
export function cosineAnnealing(base: number, total: number, warmUp: WarmUp, finalRatio: number): IterationSchedule {
  const final = base * finalRatio;
  return (t) => (final + ((base - final) / 2) * (1 + Math.cos((Math.PI * t) / total))) * warmUpFactor(warmUp, t);
}

/** One cycle of momentum: by half cosines from `high` to `low` over the first `share` of the run and back. */
export function oneCycleMomentum(total: number, { low = 0.85, high = 0.95, share = 0.3 } = {}): IterationSchedule {
  const turn = share * total - 1;
  const between = (from: number, to: number, part: number) => to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));
  return (t) => (t <= turn ? between(high, low, t / turn) : between(low, high, (t - turn) / Math.max(1, total - 1 - turn)));
}
