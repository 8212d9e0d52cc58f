import { CurationError } from '../error';
import type { Vectors } from '../vectors/vectors';
import { centrality } from './centrality';
import type { ComponentList } from './component-list';

/**
 * Which row of a component stays:
 *
 * - `lowestId`: the lowest row
 * - `largestArea`: the most pixels
 * - `sourcePriority`: the lowest number of its source
 * - `highestQuality`: the highest score
 * - `medoid`: the highest mean cosine to the rows of its component
 */
export type KeepPolicy = 'lowestId' | 'largestArea' | 'sourcePriority' | 'highestQuality' | 'medoid';

/** What the policies look at; one number per row. */
export interface KeepFacts {
  /** Pixels, for `largestArea`. */
  readonly area?: ArrayLike<number>;
  /** The place of a row's source in the order of preference, 0 the most preferred, for `sourcePriority`. */
  readonly source?: ArrayLike<number>;
  /** For `highestQuality`; of `qualityColumns`, or of one's own making. */
  readonly quality?: ArrayLike<number>;
  /** For `medoid`. */
  readonly vectors?: Vectors;
}

/**
 * The row of each component that stays: the best by the first policy, among equals by the next, at last the lowest.
 *
 * @param eligible - rows among which to choose where a component has any of them
 * @throws CurationError when a policy lacks its numbers
 */
export async function chooseRepresentatives(
  components: ComponentList,
  policies: readonly KeepPolicy[],
  facts: KeepFacts,
  rows: number,
  eligible?: Uint8Array,
): Promise<Uint32Array> {
  const scores: ((place: number) => number)[] = [];
  for (const policy of policies) scores.push(await scoreOf(policy, components, facts, rows));
  const { labels, starts, members } = components;
  return labels.map((_, component) => {
    let best = starts[component]!;
    for (let place = best + 1; place < starts[component + 1]!; place++) {
      if (better(place, best)) best = place;
    }
    return members[best]!;
  });

  function better(place: number, best: number): boolean {
    const chosen = (eligible?.[members[place]!] ?? 0) - (eligible?.[members[best]!] ?? 0);
    if (chosen !== 0) return chosen > 0;
    for (const score of scores) {
      const difference = score(place) - score(best);
      // An unknown number loses against any other.
      if (Number.isNaN(difference)) {
        if (Number.isNaN(score(place)) !== Number.isNaN(score(best))) return Number.isNaN(score(best));
      } else if (difference !== 0) return difference > 0;
    }
    return false;
  }
}

/** What a policy likes, by place in `members`: more is better. */
async function scoreOf(
  policy: KeepPolicy,
  components: ComponentList,
  { area, source, quality, vectors }: KeepFacts,
  rows: number,
): Promise<(place: number) => number> {
  const { members } = components;
  const column = (name: string, values: ArrayLike<number> | undefined): ArrayLike<number> => {
    if (values?.length === rows) return values;
    const given = values === undefined ? 'is missing' : `has ${values.length} numbers for ${rows} rows`;
    throw new CurationError(`the policy ${policy} needs ${name}, which ${given}; pass one number per row`);
  };
  switch (policy) {
    case 'lowestId':
      return (place) => -members[place]!;
    case 'largestArea': {
      const areas = column('area', area);
      return (place) => areas[members[place]!]!;
    }
    case 'sourcePriority': {
      const places = column('source', source);
      return (place) => -places[members[place]!]!;
    }
    case 'highestQuality': {
      const qualities = column('quality', quality);
      return (place) => qualities[members[place]!]!;
    }
    case 'medoid': {
      if (vectors?.rows !== rows) {
        const given = vectors === undefined ? 'are missing' : `have ${vectors.rows} rows instead of ${rows}`;
        throw new CurationError(`the policy medoid needs vectors, which ${given}; pass the embeddings of all rows`);
      }
      const means = await centrality(components, vectors);
      // Rounded, so that copies of one picture tie and the lowest row of them stays.
      return (place) => Math.round(means[place]! * 1e6);
    }
  }
}
