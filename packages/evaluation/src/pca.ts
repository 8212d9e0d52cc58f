import { EvaluationError } from './error';
import { dimensions, type Features } from './features';
import { symmetricEigen } from './symmetric-eigen';

/** Directions of largest variance of a set of feature vectors. */
export interface Pca {
  /** (D,) mean that was subtracted. */
  readonly mean: Float32Array;
  /** (components, D) unit directions, largest variance first. */
  readonly components: Float32Array;
  /** (components,) variance along each direction, divided by rows - 1. */
  readonly explainedVariance: Float32Array;
  /** (components,) share of the total variance. */
  readonly explainedVarianceRatio: Float32Array;
}

/**
 * The first `components` principal components of `features` (N, D).
 *
 * Found by subspace iteration with a Rayleigh–Ritz step from a fixed start, without forming the
 * (D, D) covariance. The sign is fixed as scikit-learn does: of every direction the entry of
 * largest absolute value is positive. The same features give the same result on every machine.
 *
 * @throws EvaluationError when `components` is not between 1 and min(N - 1, D), or a number is not finite.
 */
export function pca(features: Features, components: number): Pca {
  const [rows, columns] = dimensions(features, 'features');
  const limit = Math.min(rows - 1, columns);
  if (!Number.isInteger(components) || components < 1 || components > limit) {
    throw new EvaluationError(
      `${components} components asked of features of shape (${rows}, ${columns}); expected a whole number between 1 and ${limit}`,
    );
  }
  const { mean, centred, totalVariance } = centre(features, rows, columns);

  // A few directions more than asked for make the wanted ones converge at the rate of a larger gap.
  const width = Math.min(components + 8, limit);
  let basis = startingBasis(columns, width);
  let variances: Float64Array = new Float64Array(width);
  for (let iteration = 0; iteration < 500; iteration++) {
    orthonormalise(basis, width, columns);
    const scores = project(centred, rows, columns, basis, width); // (N, width)
    const { values, vectors } = symmetricEigen(gram(scores, rows, width), width);
    const rotated = rotate(basis, vectors, width, columns);
    const change = maximumChange(values, variances, components);
    variances = values;
    basis = rotated;
    // Eigenvalues settle twice as fast as directions: 1e-14 here is about 1e-7 there.
    if (change <= 1e-14 * Math.max(values[0]!, Number.MIN_VALUE)) break;
    basis = transposeProject(centred, rows, columns, project(centred, rows, columns, basis, width), width);
  }
  for (let c = 0; c < components; c++) fixSign(basis.subarray(c * columns, (c + 1) * columns));
  const explained = Float32Array.from(variances.subarray(0, components), (value) => Math.max(value, 0) / (rows - 1));
  return {
    mean: Float32Array.from(mean),
    components: Float32Array.from(basis.subarray(0, components * columns)),
    explainedVariance: explained,
    explainedVarianceRatio: explained.map((value) => (totalVariance > 0 ? value / totalVariance : 0)),
  };
}

/** Coordinates (N, components) of `features` (N, D) along the directions of `basis`. */
export function projectPca(basis: Pca, features: Features): Float32Array {
  const [rows, columns] = dimensions(features, 'features');
  if (columns !== basis.mean.length) {
    throw new EvaluationError(`features have ${columns} columns; this PCA was fitted to ${basis.mean.length}`);
  }
  const width = basis.explainedVariance.length;
  const result = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let i = 0; i < columns; i++) {
        sum += (features.data[row * columns + i]! - basis.mean[i]!) * basis.components[c * columns + i]!;
      }
      result[row * width + c] = sum;
    }
  }
  return result;
}

function centre(features: Features, rows: number, columns: number) {
  const mean = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) mean[i]! += features.data[row * columns + i]! / rows;
  }
  const centred = new Float64Array(rows * columns);
  let squares = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) {
      const value = features.data[row * columns + i]! - mean[i]!;
      centred[row * columns + i] = value;
      squares += value * value;
    }
  }
  if (!Number.isFinite(squares)) {
    throw new EvaluationError('features hold NaN or an infinity; check the model that made them for a diverged run');
  }
  return { mean, centred, totalVariance: squares / (rows - 1) };
}

/** (width, D) fixed pseudo-random numbers (a linear congruential generator), so that runs repeat. */
function startingBasis(columns: number, width: number): Float64Array {
  const basis = new Float64Array(width * columns);
  let state = 1;
  for (let i = 0; i < basis.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    basis[i] = state / 2 ** 32 - 0.5;
  }
  return basis;
}

/** Gram–Schmidt, twice, on the rows of `basis`. A row that vanishes is left at zero. */
function orthonormalise(basis: Float64Array, width: number, columns: number): void {
  for (let c = 0; c < width; c++) {
    const row = basis.subarray(c * columns, (c + 1) * columns);
    normalise(row);
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < c; other++) {
        const against = basis.subarray(other * columns, (other + 1) * columns);
        let overlap = 0;
        for (let i = 0; i < columns; i++) overlap += row[i]! * against[i]!;
        for (let i = 0; i < columns; i++) row[i]! -= overlap * against[i]!;
      }
      normalise(row);
    }
  }
}

function normalise(row: Float64Array): void {
  let sum = 0;
  for (const value of row) sum += value * value;
  const scale = sum > 1e-24 ? 1 / Math.sqrt(sum) : 0;
  for (let i = 0; i < row.length; i++) row[i]! *= scale;
}

/** centred (N, D) · basisᵀ (D, width) → (N, width). */
function project(centred: Float64Array, rows: number, columns: number, basis: Float64Array, width: number): Float64Array {
  const scores = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let i = 0; i < columns; i++) sum += centred[row * columns + i]! * basis[c * columns + i]!;
      scores[row * width + c] = sum;
    }
  }
  return scores;
}

/** scoresᵀ (width, N) · centred (N, D) → (width, D). */
function transposeProject(
  centred: Float64Array,
  rows: number,
  columns: number,
  scores: Float64Array,
  width: number,
): Float64Array {
  const result = new Float64Array(width * columns);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < width; c++) {
      const score = scores[row * width + c]!;
      for (let i = 0; i < columns; i++) result[c * columns + i]! += score * centred[row * columns + i]!;
    }
  }
  return result;
}

/** scoresᵀ · scores → (width, width). */
function gram(scores: Float64Array, rows: number, width: number): Float64Array {
  const result = new Float64Array(width * width);
  for (let row = 0; row < rows; row++) {
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) result[a * width + b]! += scores[row * width + a]! * scores[row * width + b]!;
    }
  }
  return result;
}

/** vectors (width, width), one eigenvector per row, · basis (width, D). */
function rotate(basis: Float64Array, vectors: Float64Array, width: number, columns: number): Float64Array {
  const result = new Float64Array(width * columns);
  for (let c = 0; c < width; c++) {
    for (let other = 0; other < width; other++) {
      const weight = vectors[c * width + other]!;
      for (let i = 0; i < columns; i++) result[c * columns + i]! += weight * basis[other * columns + i]!;
    }
  }
  return result;
}

function maximumChange(now: Float64Array, before: Float64Array, count: number): number {
  let change = 0;
  for (let c = 0; c < count; c++) change = Math.max(change, Math.abs(now[c]! - before[c]!));
  return change;
}

function fixSign(direction: Float64Array): void {
  let largest = 0;
  for (const value of direction) if (Math.abs(value) > Math.abs(largest)) largest = value;
  if (largest < 0) for (let i = 0; i < direction.length; i++) direction[i] = -direction[i]!;
}
