import type { EdgeList } from './edges';
import type { Lists } from './top-lists';

interface ListReader {
  readonly k: number;
  /** The value of unused places. */
  readonly floor: number;
  /** The database row at a position. */
  readonly rowAt: (position: number) => number;
  /** Whether queries are the database's rows, so that each finds itself. Lists then have k + 1 places. */
  readonly self: boolean;
}

/**
 * Append the edges of one list: without the row itself, descending, equally similar ones by row number.
 *
 * @param query - number of the list
 * @param row - row of the query
 * @param noted - gets the similarities
 */
export function listEdges(lists: Lists, query: number, row: number, { k, floor, rowAt, self }: ListReader, edges: EdgeList, noted?: number[]): void {
  const width = self ? k + 1 : k;
  const found: { readonly to: number; readonly similarity: number }[] = [];
  for (let i = query * width; i < (query + 1) * width && lists.similarities[i]! > floor; i++) {
    const to = rowAt(lists.indices[i]!);
    // Rounding takes the product of two unit rows a little over 1.
    if (!self || to !== row) found.push({ to, similarity: Math.min(1, lists.similarities[i]!) });
  }
  found.sort((a, b) => b.similarity - a.similarity || a.to - b.to);
  // One more than k where many equal rows pushed the row itself out of its list.
  for (const { to, similarity } of found.slice(0, k)) {
    edges.push(row, to, similarity);
    noted?.push(similarity);
  }
}
