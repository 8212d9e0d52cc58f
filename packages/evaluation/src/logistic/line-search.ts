/** A function along a line: its value and slope at a step. */
export interface Evaluated {
  readonly step: number;
  readonly value: number;
  readonly slope: number;
}

const DECREASE = 1e-4;
const CURVATURE = 0.9;
const EVALUATIONS = 50;
/** Differences of values below this share are rounding. */
const ROUNDING = 1e-14;

/**
 * A step along a descent direction with the strong Wolfe conditions, or nothing when rounding (or a function without
 * a lower bound) keeps it from being found. Nocedal and Wright 2006, algorithms 3.5 and 3.6, with cubic interpolation;
 * where values no longer tell a decrease from rounding, slopes do (the approximate condition of Hager and Zhang 2005).
 */
export async function strongWolfe<T extends Evaluated>(along: (step: number) => Promise<T>, start: T): Promise<T | undefined> {
  const rounding = ROUNDING * Math.abs(start.value);
  const decreases = (point: T) =>
    point.value <= start.value + DECREASE * point.step * start.slope ||
    (Math.abs(point.value - start.value) <= rounding && point.slope <= (2 * DECREASE - 1) * start.slope);
  const accepted = (point: T) => decreases(point) && Math.abs(point.slope) <= -CURVATURE * start.slope;
  let evaluations = 0;

  /** Between a point that decreases and another such that a minimum lies between them. */
  const zoom = async (low: T, high: T): Promise<T | undefined> => {
    while (evaluations++ < EVALUATIONS) {
      const point = await along(interpolate(low, high));
      if (accepted(point)) return point;
      if (!decreases(point) || point.value >= low.value) {
        high = point;
        continue;
      }
      if (point.slope * (high.step - low.step) >= 0) high = low;
      low = point;
    }
    return undefined;
  };

  let previous = start;
  let step = 1;
  while (evaluations++ < EVALUATIONS) {
    const point = await along(step);
    if (accepted(point)) return point;
    if (!decreases(point) || (previous !== start && point.value >= previous.value)) return zoom(previous, point);
    if (point.slope >= 0) return zoom(point, previous);
    previous = point;
    step *= 2;
  }
  return undefined;
}

/** Minimum of the cubic through values and slopes at both ends, kept off the ends by a tenth of their distance. */
function interpolate(a: Evaluated, b: Evaluated): number {
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.step - b.step);
  const d2 = Math.sign(b.step - a.step) * Math.sqrt(d1 * d1 - a.slope * b.slope);
  const minimum = b.step - ((b.step - a.step) * (b.slope + d2 - d1)) / (b.slope - a.slope + 2 * d2);
  const from = Math.min(a.step, b.step);
  const margin = 0.1 * Math.abs(b.step - a.step);
  // Not a number where one end has overflowed.
  if (!Number.isFinite(minimum)) return from + 5 * margin;
  return Math.min(Math.max(minimum, from + margin), from + 9 * margin);
}
