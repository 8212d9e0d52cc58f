import { EvaluationError } from '../error';

export interface GlobalAveragePrecision {
  /** Over all queries, distractors among them. */
  readonly gap: number;
  /** GAP−: over the queries that show something of the database. */
  readonly gapMinus: number;
  /** Share of those queries that are named right. */
  readonly accuracy: number;
}

/**
 * Global average precision (micro-AP) of one answer for each query: with all answers in one list, most confident first,
 * the sum over right answers of the precision up to them, divided by the number of queries that have a right answer.
 * Equal confidences stay in order of the queries.
 *
 * Source: Perronnin et al. 2009; GAP and GAP− as the Met data set uses them (Ypsilantis et al. 2021, arXiv 2202.01747).
 *
 * @param predictions - (queries,) label that is answered
 * @param confidences - (queries,) larger where the answer is more certain
 * @param labels - (queries,) right label, −1 for a distractor, which nothing in the database answers
 * @throws EvaluationError when the lengths differ, a confidence is NaN, or all queries are distractors
 */
export function globalAveragePrecision(
  predictions: ArrayLike<number>,
  confidences: ArrayLike<number>,
  labels: ArrayLike<number>,
): GlobalAveragePrecision {
  if (predictions.length !== labels.length || confidences.length !== labels.length) {
    throw new EvaluationError(
      `${predictions.length} predictions and ${confidences.length} confidences for ${labels.length} labels; expected one of each for each query`,
    );
  }
  const order = Array.from({ length: labels.length }, (_, query) => query);
  const strange = order.find((query) => Number.isNaN(confidences[query]!));
  if (strange !== undefined) throw new EvaluationError(`the confidence of query ${strange} is NaN; check the features of that query`);
  const answerable = order.filter((query) => labels[query]! >= 0);
  if (answerable.length === 0) throw new EvaluationError('no query has a label; expected at least one that is not -1');
  order.sort((a, b) => confidences[b]! - confidences[a]! || a - b);

  const isRight = (query: number) => labels[query]! >= 0 && predictions[query] === labels[query];
  const over = (queries: readonly number[]): number => {
    let right = 0;
    let sum = 0;
    queries.forEach((query, before) => {
      if (isRight(query)) sum += ++right / (before + 1);
    });
    return sum / answerable.length;
  };
  return {
    gap: over(order),
    gapMinus: over(order.filter((query) => labels[query]! >= 0)),
    accuracy: answerable.filter(isRight).length / answerable.length,
  };
}
