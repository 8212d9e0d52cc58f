import { CurationError } from '../error';
import { DisjointSet } from './disjoint-set';
import type { SpanningForest } from './spanning-forest';

export interface CutOptions {
  /** Edges with a similarity above this join rows. */
  readonly threshold: number;
  /**
   * Guard against chains (A resembles B and B resembles C, but A does not resemble C): in a component of more pictures than
   * this the threshold is raised, no further than needed, until its parts are small enough. Copies count as one picture.
   * No limit by default.
   */
  readonly maximumSize?: number;
  /** Rows joined by an edge above this are copies, which the guard never parts; 0.95 by default. */
  readonly copyThreshold?: number;
}

/** A component in which the guard raised the threshold. */
export interface RaisedComponent {
  /** Lowest row of the component at the threshold asked for. */
  readonly component: number;
  /** Its rows. */
  readonly size: number;
  /** How many components it became, rows that are alone among them. */
  readonly parts: number;
  /** The strongest edge that was cut: between all of its parts, the threshold is at least this. */
  readonly threshold: number;
}

export interface Cut {
  /** For each row the lowest row of its component, (rows,). */
  readonly component: Uint32Array;
  /** The largest first. */
  readonly raised: readonly RaisedComponent[];
}

/**
 * Components of a graph at a threshold, with a limit to their size.
 *
 * With a limit, components are the largest nodes of the single-linkage tree within it: edges of equal similarity act
 * together, so that the result depends on similarities only.
 *
 * @throws CurationError when the limit is not a whole number of at least 1
 */
export function cutForest(
  { rows, count, from, to, similarity }: SpanningForest,
  { threshold, maximumSize = Infinity, copyThreshold = 0.95 }: CutOptions,
): Cut {
  if (!(maximumSize >= 1 && (maximumSize === Infinity || Number.isInteger(maximumSize)))) {
    throw new CurationError(`maximum component size ${maximumSize}; pass a whole number of at least 1`);
  }
  const least = Math.fround(threshold);
  const linked = new DisjointSet(rows);
  let last = 0;
  for (; last < count && similarity[last]! > least; last++) linked.union(from[last]!, to[last]!);
  if (maximumSize === Infinity) return { component: linked.labels(), raised: [] };

  const whole = linked.labels();
  const joined = new DisjointSet(rows);
  const growing = new DisjointSet(rows);
  const pictures = new Uint32Array(rows).fill(1);
  const strongestCut = new Map<number, number>();
  for (let first = 0; first < last; ) {
    let end = first + 1;
    while (end < last && similarity[end] === similarity[first]) end++;
    const copies = similarity[first]! > copyThreshold;
    for (let i = first; i < end; i++) {
      const [a, b] = [growing.find(from[i]!), growing.find(to[i]!)];
      growing.union(a, b);
      pictures[Math.min(a, b)] = copies ? 1 : pictures[a]! + pictures[b]!;
    }
    for (let i = first; i < end; i++) {
      if (copies || pictures[growing.find(from[i]!)]! <= maximumSize) joined.union(from[i]!, to[i]!);
      // Edges come in falling order: the first that is cut in a component is its strongest.
      else if (!strongestCut.has(whole[from[i]!]!)) strongestCut.set(whole[from[i]!]!, similarity[first]!);
    }
    first = end;
  }
  const component = joined.labels();
  return { component, raised: describeRaised(whole, component, strongestCut) };
}

function describeRaised(whole: Uint32Array, component: Uint32Array, strongestCut: ReadonlyMap<number, number>): RaisedComponent[] {
  const raised = new Map([...strongestCut].map(([label, threshold]) => [label, { component: label, size: 0, parts: 0, threshold }]));
  if (raised.size > 0) {
    whole.forEach((label, row) => {
      const entry = raised.get(label);
      if (entry === undefined) return;
      entry.size++;
      if (component[row] === row) entry.parts++;
    });
  }
  return [...raised.values()].sort((a, b) => b.size - a.size || a.component - b.component);
}
