import { checkThreshold } from './check-options';
import { CurationError } from '../error';
import { blocksOf, checkRows, type Edges } from './edges';

export interface AuditOptions {
  /** Cosine above which a picture of the pool counts; 0.45 by default. */
  readonly threshold?: number;
  /** How many pictures of the pool are listed for a held-out one; 5 by default. */
  readonly nearest?: number;
}

/** A held-out picture that is, or nearly is, in the pool. */
export interface AuditFinding {
  readonly heldOut: number;
  /** Rows of the pool above the threshold, the most similar first, the lower among equals. */
  readonly matches: readonly { readonly row: number; readonly similarity: number }[];
}

export interface Audit {
  /** The most similar first. */
  readonly findings: readonly AuditFinding[];
  readonly counts: {
    readonly heldOut: number;
    readonly pool: number;
    /** Held-out pictures with at least one match. */
    readonly found: number;
    /** Pictures of the pool that match any held-out one, as far as the edges tell. */
    readonly poolRows: number;
  };
}

/**
 * Is a held-out set in the pool? For each of its pictures the nearest ones of the pool over a threshold.
 *
 * @param heldOut - rows of the held-out set
 * @param pool - rows of the pool
 * @param edges - from a held-out row to a row of the pool
 * @throws CurationError when an option or an edge does not fit the rows
 */
export async function auditHeldOut(
  heldOut: number,
  pool: number,
  edges: Edges,
  { threshold = 0.45, nearest = 5 }: AuditOptions = {},
): Promise<Audit> {
  checkThreshold(threshold);
  if (!(Number.isInteger(nearest) && nearest >= 1)) throw new CurationError(`nearest ${nearest}; pass a whole number of at least 1`);
  const least = Math.fround(threshold);
  const lists = new Map<number, { row: number; similarity: number }[]>();
  const touched = new Uint8Array(pool);
  for await (const { count, from, to, similarity } of blocksOf(edges)) {
    checkRows(from, count, heldOut, 'held-out rows');
    checkRows(to, count, pool, 'rows in the pool');
    for (let i = 0; i < count; i++) {
      if (!(similarity[i]! > least)) continue;
      touched[to[i]!] = 1;
      const list = lists.get(from[i]!) ?? [];
      if (list.length === 0) lists.set(from[i]!, list);
      insert(list, { row: to[i]!, similarity: similarity[i]! }, nearest);
    }
  }
  const findings = [...lists].map(([row, matches]) => ({ heldOut: row, matches }));
  findings.sort((a, b) => b.matches[0]!.similarity - a.matches[0]!.similarity || a.heldOut - b.heldOut);
  return {
    findings,
    counts: { heldOut, pool, found: findings.length, poolRows: touched.reduce((sum, one) => sum + one, 0) },
  };
}

interface Match {
  readonly row: number;
  readonly similarity: number;
}

/** Keep the best matches in order; one that is listed already stays with its higher similarity. */
function insert(list: Match[], match: Match, most: number): void {
  const before = (a: Match, b: Match) => a.similarity > b.similarity || (a.similarity === b.similarity && a.row < b.row);
  const listed = list.findIndex(({ row }) => row === match.row);
  if (listed >= 0) {
    if (!before(match, list[listed]!)) return;
    list.splice(listed, 1);
  }
  const place = list.findIndex((other) => before(match, other));
  list.splice(place < 0 ? list.length : place, 0, match);
  if (list.length > most) list.pop();
}
