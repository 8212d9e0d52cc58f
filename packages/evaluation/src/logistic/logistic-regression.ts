import { createRandom } from '@dinov2/primitives';
import { EvaluationError } from '../error';
import { dimensions, type Features } from '../features';
import { checkFinite, checkLabels, classCount, countLabels } from '../labels';
import { accuracy } from '../metrics/accuracy';
import { predictedClasses, type Scores } from '../metrics/scores';
import { type Fit, fitPath } from './fit-path';
import { logisticModule } from './module';
import { createShard } from './shard';

export interface LabelledFeatures {
  /** (rows, columns) */
  readonly features: Features;
  /** (rows,) */
  readonly labels: ArrayLike<number>;
}

export interface LogisticOptions {
  /** Values of C to choose from. Default {@link logisticGrid}: 10^-6 to 10^5 in 45 steps. */
  readonly cs?: readonly number[];
  /** Rows that C is chosen on: a random share of the training rows (default 0.1), or rows of their own. */
  readonly validation?: number | LabelledFeatures;
  /** Fit the chosen C once more on training and validation rows together. Default true. */
  readonly refit?: boolean;
  /** Number of classes; the largest label + 1 by default. */
  readonly classes?: number;
  /** Of the draw of the validation share. Default 0. */
  readonly seed?: number;
  /**
   * Stop where one more step would gain less than this share of the objective and of its penalty. At the default,
   * 1e-12, coefficients move by less than a millionth of their length.
   */
  readonly tolerance?: number;
  /** Default 1000. */
  readonly maxIterations?: number;
  /** Worker threads; one for each core by default. */
  readonly threads?: number;
  readonly onProgress?: (progress: LogisticProgress) => void;
  readonly signal?: AbortSignal;
}

export interface LogisticProgress {
  /** Fits made, of `total`: one for each C and the last one on all rows. */
  readonly done: number;
  readonly total: number;
  /** Of the fit just made; the last one has no validation accuracy. */
  readonly candidate: LogisticCandidate;
  readonly seconds: number;
}

/** The fit for one C. */
export interface LogisticCandidate {
  readonly c: number;
  /** C Σ loss + ½‖W‖² at the optimum. */
  readonly objective: number;
  readonly validationAccuracy?: number;
  readonly iterations: number;
  /** False where `maxIterations` came first, or rounding. */
  readonly converged: boolean;
}

export interface LogisticModel {
  /** The C chosen. */
  readonly c: number;
  /** (classes, columns) */
  readonly weights: { readonly data: Float64Array; readonly shape: readonly [number, number] };
  /** (classes,); -Infinity for a class without training rows. */
  readonly bias: Float64Array;
  /** The fits that C was chosen among, in the order of the list. */
  readonly candidates: readonly LogisticCandidate[];
  /** The fit on training and validation rows together. Absent without `refit`. */
  readonly refit?: LogisticCandidate;
}

/** The values of C of the protocol: 45 from 10^-6 to 10^5, evenly spaced in the exponent. */
export const logisticGrid: readonly number[] = Array.from({ length: 45 }, (_, i) => 10 ** (-6 + (11 * i) / 44));

/**
 * Multinomial logistic regression of `labels` (N,) by `features` (N, D): the minimum of
 * C Σ cross-entropy + ½‖W‖² with a free bias, as scikit-learn's `LogisticRegression` has it (with two classes too,
 * where it penalises the difference of both rows). C is the one with the highest accuracy on validation rows, the
 * first in the list of equal ones; the model is then fitted on all rows. Features are used as they are.
 *
 * All arithmetic is float64, by L-BFGS preconditioned with the second derivative at an earlier optimum, each C started
 * from the extrapolated optima of those before. With a validation share, a class that the draw leaves without training rows cannot
 * be predicted until the last fit.
 *
 * Source: the log-regression protocol of DINOv2 (C grid, held-out tenth, unnormalised class tokens).
 *
 * @throws EvaluationError when rows, columns and labels do not fit together, a class has no rows, features are not
 * finite, or an option is out of range.
 *
 * @example
 * ```ts
 * const model = await logisticRegression(train, trainLabels);
 * accuracy(predictedClasses(logisticScores(model, test)), testLabels);
 * ```
 */
export async function logisticRegression(
  features: Features,
  labels: ArrayLike<number>,
  options: LogisticOptions = {},
): Promise<LogisticModel> {
  const { cs = logisticGrid, validation = 0.1, refit = true, seed = 0, onProgress, signal } = options;
  const { tolerance = 1e-12, maxIterations = 1000, threads } = options;
  const [rows, dim] = dimensions(features, 'features');
  checkFinite(features, 'features');
  const { classes = classCount(labels) } = options;
  checkLabels(labels, rows, classes, 'features');
  const counts = countLabels(labels, classes);
  const empty = counts.indexOf(0);
  if (classes < 2) throw new EvaluationError(`labels name ${classes} class; a classifier needs at least 2`);
  if (empty !== -1) {
    throw new EvaluationError(`class ${empty} of ${classes} has no rows in features; number the classes without gaps or add images of it`);
  }
  if (cs.length === 0) throw new EvaluationError('cs is an empty list; name at least one value of C, such as 1');
  for (const c of cs) if (!(c > 0 && Number.isFinite(c))) throw new EvaluationError(`C is ${c}; expected a positive number, such as 1`);

  const all: LabelledFeatures = { features, labels };
  const [train, held] = typeof validation === 'number' ? split(all, validation, seed) : [all, validation];
  const [heldRows, heldDim] = dimensions(held.features, 'validation features');
  if (heldDim !== dim) {
    throw new EvaluationError(`validation features have ${heldDim} columns and features have ${dim}; both must come from the same model`);
  }
  checkFinite(held.features, 'validation features');
  checkLabels(held.labels, heldRows, classes, 'validation features');

  const start = performance.now();
  const total = cs.length + (refit ? 1 : 0);
  const fitting = { tolerance, maxIterations, threads, signal };
  const candidates: LogisticCandidate[] = [];
  const report = (done: number, candidate: LogisticCandidate) => {
    onProgress?.({ done, total, candidate, seconds: (performance.now() - start) / 1000 });
  };

  let best: { readonly fit: Fit; readonly c: number; readonly accuracy: number } | undefined;
  const problem = reduce(train, classes);
  const scored = createShard(logisticModule(), shardData(held, classes));
  for await (const fit of fitPath(problem.data, cs, fitting)) {
    const c = cs[candidates.length]!;
    const scores = scored.scores(problem.expand(fit.coefficients));
    const validationAccuracy = accuracy(predictedClasses({ data: scores, shape: [heldRows, classes] }), held.labels);
    if (best === undefined || validationAccuracy > best.accuracy) best = { fit, c, accuracy: validationAccuracy };
    candidates.push(summary(c, fit, validationAccuracy));
    report(candidates.length, candidates.at(-1)!);
  }
  const { fit, c } = best!;
  if (!refit) return { c, ...parameters(problem.expand(fit.coefficients), classes, dim), candidates };

  const whole = shardData(typeof validation === 'number' ? all : join(train, held), classes);
  // A class that the split left out starts from zero.
  const first = problem.expand(fit.coefficients).map((value) => (Number.isFinite(value) ? value : 0));
  for await (const last of fitPath(whole, [c], fitting, first)) {
    const refitted = summary(c, last);
    report(total, refitted);
    return { c, ...parameters(last.coefficients, classes, dim), candidates, refit: refitted };
  }
  throw new EvaluationError('the last fit gave no result'); // fitPath yields once for each C
}

/** Scores (logits) of features (N, D): (N, classes). */
export function logisticScores(model: LogisticModel, features: Features): Scores {
  const { weights, bias } = model;
  const [classes, dim] = weights.shape;
  const [rows, columns] = dimensions(features, 'features');
  if (columns !== dim) {
    throw new EvaluationError(`features have ${columns} columns and the classifier has ${dim}; both must come from the same model`);
  }
  const coefficients = new Float64Array(classes * (dim + 1));
  for (let c = 0; c < classes; c++) {
    coefficients.set(weights.data.subarray(c * dim, (c + 1) * dim), c * (dim + 1));
    coefficients[c * (dim + 1) + dim] = bias[c]!;
  }
  const shard = createShard(logisticModule(), { features: features.data, labels: new Int32Array(rows), dim, classes });
  return { data: shard.scores(coefficients), shape: [rows, classes] };
}

function summary(c: number, { objective, iterations, converged }: Fit, validationAccuracy?: number): LogisticCandidate {
  return { c, objective, iterations, converged, ...(validationAccuracy === undefined ? {} : { validationAccuracy }) };
}

function shardData({ features, labels }: LabelledFeatures, classes: number) {
  return { features: features.data, labels: Int32Array.from(labels), dim: features.shape[1]!, classes };
}

/** The problem without the classes that have no rows: their bias would fall without end. */
function reduce(train: LabelledFeatures, classes: number) {
  const data = shardData(train, classes);
  const width = data.dim + 1;
  const present = [...countLabels(train.labels, classes)].flatMap((count, label) => (count > 0 ? [label] : []));
  if (present.length < 2) {
    throw new EvaluationError(`only class ${present[0]} has rows outside the validation share; lower it or add images`);
  }
  return {
    data: { ...data, labels: data.labels.map((label) => present.indexOf(label)), classes: present.length },
    /** Coefficients (present, dim + 1) as (classes, dim + 1); an absent class has a bias of -Infinity. */
    expand(coefficients: Float64Array): Float64Array {
      const full = new Float64Array(classes * width);
      for (let c = 0; c < classes; c++) full[c * width + data.dim] = -Infinity;
      for (const [i, label] of present.entries()) full.set(coefficients.subarray(i * width, (i + 1) * width), label * width);
      return full;
    },
  };
}

/** Training rows and a random share of validation rows, both in their old order. */
function split(all: LabelledFeatures, share: number, seed: number): [LabelledFeatures, LabelledFeatures] {
  const rows = all.labels.length;
  const count = Math.max(1, Math.round(rows * share));
  if (!(share > 0 && share < 1) || count >= rows) {
    throw new EvaluationError(`a validation share of ${share} of ${rows} rows; expected a number between 0 and 1 that leaves rows to train on, such as 0.1`);
  }
  const order = createRandom(seed).fork('logistic validation').permutation(rows);
  return [pick(all, order.slice(count).sort()), pick(all, order.slice(0, count).sort())];
}

function pick({ features, labels }: LabelledFeatures, rows: Int32Array): LabelledFeatures {
  const columns = features.shape[1]!;
  const data = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => data.set(features.data.subarray(row * columns, (row + 1) * columns), i * columns));
  return { features: { data, shape: [rows.length, columns] }, labels: Int32Array.from(rows, (row) => labels[row]!) };
}

function join(a: LabelledFeatures, b: LabelledFeatures): LabelledFeatures {
  const data = new Float32Array(a.features.data.length + b.features.data.length);
  data.set(a.features.data);
  data.set(b.features.data, a.features.data.length);
  return { features: { data, shape: [a.labels.length + b.labels.length, a.features.shape[1]!] }, labels: [...Array.from(a.labels), ...Array.from(b.labels)] };
}

function parameters(coefficients: Float64Array, classes: number, dim: number): Pick<LogisticModel, 'weights' | 'bias'> {
  const data = new Float64Array(classes * dim);
  const bias = new Float64Array(classes);
  for (let c = 0; c < classes; c++) {
    data.set(coefficients.subarray(c * (dim + 1), c * (dim + 1) + dim), c * dim);
    bias[c] = coefficients[c * (dim + 1) + dim]!;
  }
  return { weights: { data, shape: [classes, dim] }, bias };
}
