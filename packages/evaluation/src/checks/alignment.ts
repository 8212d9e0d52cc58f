import { EvaluationError } from '../error';
import { dimensions, type Features, unitRows } from '../features';

/**
 * Mean distance, to the power `alpha`, between the unit-length features of positive pairs: row i of `a` and row i of
 * `b`, such as two views of one image, or two images of one class. 0 where they agree (Wang and Isola 2020,
 * arXiv 2005.10242, equation 8).
 *
 * @param a - (N, D)
 * @param b - (N, D)
 * @throws EvaluationError when the shapes differ or a row is not finite
 */
export function alignment(a: Features, b: Features, { alpha = 2 }: { readonly alpha?: number } = {}): number {
  const [rows, columns] = dimensions(a, 'a');
  const [otherRows, otherColumns] = dimensions(b, 'b');
  if (rows !== otherRows || columns !== otherColumns) {
    throw new EvaluationError(`a has shape (${rows}, ${columns}) and b (${otherRows}, ${otherColumns}); expected pairs of rows`);
  }
  const [x, y] = [unitRows(a, 'a'), unitRows(b, 'b')];
  let sum = 0;
  for (let at = 0; at < x.length; at += columns) {
    let square = 0;
    for (let i = at; i < at + columns; i++) square += (x[i]! - y[i]!) ** 2;
    sum += square ** (alpha / 2);
  }
  return sum / rows;
}
