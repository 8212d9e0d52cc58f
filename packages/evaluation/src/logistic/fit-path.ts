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
    let coefficients = start ?? new Float64Array(classes * width);
    for (const c of cs) {
      // With two classes scikit-learn penalises one vector, the difference w of both: ½‖w‖² is ‖W‖².
      const penalty = (classes === 2 ? 2 : 1) / (c * rows);
      const metric = (await sharded.metric(coefficients)).map((value) => value / rows);
      for (let d = 0; d < dim; d++) metric[d * width + d]! += penalty;
      preconditioner.set(metric);
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
      const { point, value, ...facts } = await lbfgs(evaluate, coefficients, {
        tolerance,
        maxIterations,
        precondition: preconditioner.apply,
      });
      coefficients = point;
      yield { coefficients, objective: value * c * rows, ...facts };
    }
  } finally {
    await sharded.close();
  }
}
