import { EvaluationError } from '../error';

/** What is known of one query: rows of the database. */
export interface RetrievalTruth {
  /** Images that should be found. */
  readonly positives: readonly number[];
  /** Images that are neither right nor wrong: they are taken out of the ranking. */
  readonly junk?: readonly number[];
}

/** What is known of one query of the revisited Oxford and Paris sets: rows of the database. */
export interface RevisitedTruth {
  readonly easy: readonly number[];
  readonly hard: readonly number[];
  readonly junk: readonly number[];
}

export interface RetrievalScores {
  /** Mean over the queries that have positives. NaN if none has. */
  readonly meanAveragePrecision: number;
  /** By κ: mean over the same queries of the share of positives among the first κ. */
  readonly meanPrecisionAt: Readonly<Record<string, number>>;
  /** (queries,); NaN for a query without positives. */
  readonly averagePrecisions: Float64Array;
  /** Queries with positives. */
  readonly queries: number;
}

export const revisitedProtocols = ['easy', 'medium', 'hard'] as const;
export type RevisitedProtocol = (typeof revisitedProtocols)[number];

/**
 * Mean average precision of ranked lists.
 *
 * Junk is taken out of a list first. The average precision is the area under precision over recall by the trapezoid
 * rule: every positive adds the mean of the precision just before and just after it, divided by the number of
 * positives (Philbin et al. 2007; Radenović et al. 2018, arXiv 1803.11285). A positive that is not in the list adds
 * nothing. The precision at κ is divided by the rank of the last positive found where that is below κ, as the
 * protocol does. Queries without positives are left out of all means.
 *
 * @param ranks - for each query, rows of the database, most similar first; all of them, or the first so many
 * @param truth - one entry for each query
 * @throws EvaluationError when the numbers of queries differ or a κ is not a whole number from 1 up
 */
export function meanAveragePrecision(
  ranks: readonly ArrayLike<number>[],
  truth: readonly RetrievalTruth[],
  kappas: readonly number[] = [1, 5, 10],
): RetrievalScores {
  if (ranks.length !== truth.length) {
    throw new EvaluationError(`${ranks.length} ranked lists for ${truth.length} queries; expected one list for each query`);
  }
  const wrong = kappas.find((kappa) => !Number.isInteger(kappa) || kappa < 1);
  if (wrong !== undefined) throw new EvaluationError(`kappas name ${wrong}; expected whole numbers from 1 up`);
  const averagePrecisions = new Float64Array(truth.length).fill(NaN);
  const precisions = kappas.map(() => 0);
  let sum = 0;
  let queries = 0;
  truth.forEach(({ positives, junk = [] }, query) => {
    if (positives.length === 0) return;
    const found = placesOf(ranks[query]!, new Set(positives), new Set(junk));
    const precision = averagePrecision(found, positives.length);
    averagePrecisions[query] = precision;
    sum += precision;
    queries++;
    kappas.forEach((kappa, i) => (precisions[i]! += precisionAt(found, kappa)));
  });
  return {
    meanAveragePrecision: sum / queries,
    meanPrecisionAt: Object.fromEntries(kappas.map((kappa, i) => [kappa, precisions[i]! / queries])),
    averagePrecisions,
    queries,
  };
}

/**
 * {@link meanAveragePrecision} under the three protocols of the revisited Oxford and Paris sets: easy (positives are
 * easy, hard ones are junk), medium (easy and hard ones are positives) and hard (positives are hard, easy ones are junk).
 *
 * Source: Radenović et al. 2018, arXiv 1803.11285, section 3.
 */
export function revisitedRetrieval(
  ranks: readonly ArrayLike<number>[],
  truth: readonly RevisitedTruth[],
  kappas?: readonly number[],
): Record<RevisitedProtocol, RetrievalScores> {
  const by = (of: (truth: RevisitedTruth) => RetrievalTruth) => meanAveragePrecision(ranks, truth.map(of), kappas);
  return {
    easy: by(({ easy, hard, junk }) => ({ positives: easy, junk: [...junk, ...hard] })),
    medium: by(({ easy, hard, junk }) => ({ positives: [...easy, ...hard], junk })),
    hard: by(({ easy, hard, junk }) => ({ positives: hard, junk: [...junk, ...easy] })),
  };
}

/** Places of the positives, from 0, in a list without its junk. An image that is both counts as both. */
function placesOf(ranks: ArrayLike<number>, positives: ReadonlySet<number>, junk: ReadonlySet<number>): number[] {
  const places: number[] = [];
  let skipped = 0;
  for (let rank = 0; rank < ranks.length; rank++) {
    if (positives.has(ranks[rank]!)) places.push(rank - skipped);
    if (junk.has(ranks[rank]!)) skipped++;
  }
  return places;
}

function averagePrecision(places: readonly number[], positives: number): number {
  let sum = 0;
  places.forEach((place, found) => {
    const before = place === 0 ? 1 : found / place;
    const after = (found + 1) / (place + 1);
    sum += (before + after) / 2 / positives;
  });
  return sum;
}

function precisionAt(places: readonly number[], kappa: number): number {
  if (places.length === 0) return 0;
  const within = Math.min(places.at(-1)! + 1, kappa);
  return places.filter((place) => place < within).length / within;
}
