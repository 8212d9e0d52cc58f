import { lbfgs, type Minimum } from './lbfgs';
import { createPreconditioner } from './preconditioner';
import type { ShardData } from './shard';
import { shardRows } from './sharded';

/** The optimum for one C. */
export interface Fit extends Omit<Minimum, 'point' | 'value'> {
  /** (classes, dim + 1); the last of a row is the bias. */
  readonly coefficients: Float64Array;
  /** C Σ loss + ½‖W‖². */
  readonly objective: number;
}

export interface FitOptions {
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Time of inverting a matrix of width n is that of this many n³ operations of the products. */
const INVERSE = 4;

/** Solutions that the start of the next one is extrapolated from. */
const SOLUTIONS = 4;

interface Solution {
  /** Logarithm of C. */
  readonly exponent: number;
  readonly coefficients: Float64Array;
}

/** Value at `exponent` of the polynomial through solutions. */
function extrapolate(solutions: readonly Solution[], exponent: number): Float64Array {
  const result = new Float64Array(solutions[0]!.coefficients.length);
  for (const one of solutions) {
    let weight = 1;
    for (const other of solutions) if (other !== one) weight *= (exponent - other.exponent) / (one.exponent - other.exponent);
    for (let i = 0; i < result.length; i++) result[i]! += weight * one.coefficients[i]!;
  }
  return result;
}

/** Optima for each C in turn, each started from the one before and the first from `start`, or zeros. */
export async function* fitPath(
  data: ShardData,
  cs: readonly number[],
  { tolerance, maxIterations, threads, signal }: FitOptions,
  start?: Float64Array,
): AsyncGenerator<Fit, void, void> {
  const { dim, classes } = data;
  const width = dim + 1;
  const rows = data.labels.length;
  const sharded = shardRows(data, threads);
  try {
    const preconditioner = createPreconditioner(classes, width);
    // Made anew once the evaluations with the old one have cost as much as making it: few rows of wide features are
    // evaluated much faster than a matrix is inverted.
    const renewAfter = (rows * width ** 2 + INVERSE * width ** 3) / (4 * rows * width * classes);
    let evaluationsSince = Infinity;
    const solutions: Solution[] = [];
    let coefficients = start ?? new Float64Array(classes * width);
    for (const c of cs) {
      // With two classes scikit-learn penalises one vector, the difference w of both: ½‖w‖² is ‖W‖².
      const penalty = (classes === 2 ? 2 : 1) / (c * rows);
      if (evaluationsSince >= renewAfter) {
        const metric = (await sharded.metric(coefficients)).map((value) => value / rows);
        for (let d = 0; d < dim; d++) metric[d * width + d]! += penalty;
        preconditioner.set(metric);
        evaluationsSince = 0;
      }
      // The mean loss, so that tolerances and steps do not depend on C and the number of rows.
      const evaluate = async (point: Float64Array) => {
        signal?.throwIfAborted();
        const { loss, gradient } = await sharded.evaluate(point);
        let squares = 0;
        for (let i = 0; i < point.length; i++) {
          const penalised = i % width < dim ? point[i]! : 0;
          squares += penalised * penalised;
          gradient[i] = gradient[i]! / rows + penalty * penalised;
        }
        const value = loss / rows + (penalty / 2) * squares;
        // A step that gains a share t of ½ penalty ‖W‖² moves W by √t of its length at most.
        return { value, gradient, scale: Math.min(value, (penalty / 2) * squares) };
      };
      // Solutions move smoothly with the logarithm of C: start where the last ones point, if that is better than to stay.
      let lowest = Infinity;
      for (let count = 1; count <= solutions.length; count++) {
        const guess = extrapolate(solutions.slice(-count), Math.log(c));
        const { value } = await evaluate(guess);
        evaluationsSince++;
        if (!(value < lowest)) break;
        lowest = value;
        coefficients = guess;
      }
      const { point, value, ...facts } = await lbfgs(evaluate, coefficients, {
        tolerance,
        maxIterations,
        precondition: preconditioner.apply,
      });
      coefficients = point;
      solutions.push({ exponent: Math.log(c), coefficients });
      if (solutions.length > SOLUTIONS) solutions.shift();
      evaluationsSince += facts.evaluations;
      yield { coefficients, objective: value * c * rows, ...facts };
    }
  } finally {
    await sharded.close();
  }
}
