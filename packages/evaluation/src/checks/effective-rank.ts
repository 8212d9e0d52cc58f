import { dimensions, type Features, unitRows } from '../features';
import { columnMeans } from './feature-std';
import { smallerGram } from './gram';

/**
 * (Σλ)² / Σλ² over the eigenvalues λ of the covariance of the unit-length features: the number of directions that share
 * their variance, known as the participation ratio. 0 where all rows are alike. The work grows with N D min(N, D).
 *
 * @param features - (N, D)
 * @throws EvaluationError when a row is not finite
 */
export function effectiveRank(features: Features): number {
  const [rows, columns] = dimensions(features, 'features');
  const unit = unitRows(features, 'features');
  const mean = columnMeans(unit, rows, columns);
  const { matrix, n } = smallerGram(Float64Array.from(unit, (value, i) => value - mean[i % columns]!), rows, columns);
  // The trace is the sum of the eigenvalues, the squared entries add up to the sum of their squares.
  let trace = 0;
  for (let i = 0; i < n; i++) trace += matrix[i * n + i]!;
  const squares = matrix.reduce((sum, value) => sum + value * value, 0);
  return squares > 0 ? trace ** 2 / squares : 0;
}
