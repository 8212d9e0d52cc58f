import { type Evaluated, strongWolfe } from './line-search';

/** A function at a point. */
export interface Value {
  readonly value: number;
  readonly gradient: Float64Array;
  /** What the tolerance is a share of, in units of the value. */
  readonly scale: number;
}

export interface LbfgsOptions {
  /** Stop when the decrease that the next step promises is below this share of {@link Value.scale}. */
  readonly tolerance: number;
  readonly maxIterations: number;
  /** Product of the inverse of an approximate second derivative and a vector. */
  readonly precondition: (vector: Float64Array) => Float64Array;
}

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  readonly evaluations: number;
  /** Largest absolute entry of the gradient. */
  readonly gradientNorm: number;
  readonly converged: boolean;
}

const MEMORY = 20;
/** No decrease below this share of the value can be seen. */
const ROUNDING = 1e-16;

/**
 * Minimum of a smooth function by limited-memory BFGS (Nocedal and Wright 2006, algorithm 7.4) from `start`, with a
 * preconditioner as the initial inverse of the second derivative and steps that satisfy the strong Wolfe conditions.
 */
export async function lbfgs(
  evaluate: (point: Float64Array) => Promise<Value>,
  start: Float64Array,
  { tolerance, maxIterations, precondition }: LbfgsOptions,
): Promise<Minimum> {
  let evaluations = 0;
  const at = async (point: Float64Array) => {
    evaluations++;
    return { point, ...(await evaluate(point)) };
  };
  let current = await at(start);
  let pairs: Pair[] = [];
  let iterations = 0;
  let converged = false;
  while (iterations < maxIterations) {
    const direction = descentDirection(current.gradient, pairs, precondition);
    const slope = dot(direction, current.gradient);
    // A step of the quadratic model gains half of -slope.
    converged = -slope <= 2 * Math.max(tolerance * current.scale, ROUNDING * Math.abs(current.value));
    if (converged) break;
    const along = async (step: number): Promise<Evaluated & { at: typeof current }> => {
      const next = await at(current.point.map((value, i) => value + step * direction[i]!));
      return { step, value: next.value, slope: dot(next.gradient, direction), at: next };
    };
    const found = slope < 0 ? await strongWolfe(along, { step: 0, value: current.value, slope, at: current }) : undefined;
    if (found === undefined) {
      // Rounding hides the decrease. Start again without the pairs; without any there is nothing left to gain.
      if (pairs.length === 0) break;
      pairs = [];
      continue;
    }
    iterations++;
    const next = found.at;
    const step = next.point.map((value, i) => value - current.point[i]!);
    const change = next.gradient.map((value, i) => value - current.gradient[i]!);
    const curvature = dot(step, change);
    if (curvature > 0) {
      pairs.push({ step, change, curvature });
      if (pairs.length > MEMORY) pairs.shift();
    }
    current = next;
  }
  return {
    point: current.point,
    value: current.value,
    iterations,
    evaluations,
    gradientNorm: current.gradient.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0),
    converged,
  };
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly curvature: number;
}

/** Minus the product of the approximate inverse second derivative and the gradient: the two-loop recursion. */
function descentDirection(
  gradient: Float64Array,
  pairs: readonly Pair[],
  precondition: (vector: Float64Array) => Float64Array,
): Float64Array {
  const vector = gradient.slice();
  const weights = new Array<number>(pairs.length);
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { step, change, curvature } = pairs[i]!;
    weights[i] = dot(step, vector) / curvature;
    axpy(-weights[i]!, change, vector);
  }
  const direction = precondition(vector);
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = last.curvature / dot(last.change, precondition(last.change));
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  for (const [i, { step, change, curvature }] of pairs.entries()) {
    axpy(weights[i]! - dot(change, direction) / curvature, step, direction);
  }
  for (let i = 0; i < direction.length; i++) direction[i] = -direction[i]!;
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** y += factor x */
function axpy(factor: number, x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) y[i]! += factor * x[i]!;
}
