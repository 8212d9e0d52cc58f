import { dimensions, type Features, unitRows } from '../features';

/**
 * Standard deviation over rows of an entry of the unit-length feature, mean over entries, times √D: 1 for features
 * spread evenly over the sphere, 0 where all rows are alike (Chen and He 2021, arXiv 2011.10566, figure 2).
 *
 * @param features - (N, D)
 * @throws EvaluationError when a row is not finite
 */
export function featureStd(features: Features): number {
  const [rows, columns] = dimensions(features, 'features');
  const unit = unitRows(features, 'features');
  const mean = columnMeans(unit, rows, columns);
  const variances = new Float64Array(columns);
  for (let at = 0; at < unit.length; at += columns) {
    for (let i = 0; i < columns; i++) variances[i]! += (unit[at + i]! - mean[i]!) ** 2 / rows;
  }
  return variances.reduce((sum, variance) => sum + Math.sqrt(variance), 0) / Math.sqrt(columns);
}

/** (columns,) */
export function columnMeans(data: Float32Array, rows: number, columns: number): Float64Array {
  const mean = new Float64Array(columns);
  for (let at = 0; at < data.length; at += columns) {
    for (let i = 0; i < columns; i++) mean[i]! += data[at + i]! / rows;
  }
  return mean;
}
