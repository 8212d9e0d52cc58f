import { joinNeighbours } from '../../neighbours/join-neighbours';
import { selectVectors } from '../../plan/image-table';
import type { Vectors } from '../../vectors/vectors';
import { withEngine } from './joined';

/** An image of a run and its cosine. */
export interface Neighbour {
  readonly id: number;
  readonly similarity: number;
}

/** For each query the k images of a run that are most like it, the most similar first. */
export async function nearestInRun(run: string, vectors: Vectors, queries: Vectors, { k, eligible }: { readonly k: number; readonly eligible?: Uint32Array }): Promise<Neighbour[][]> {
  void run;
  const database = eligible === undefined ? vectors : selectVectors(vectors, eligible);
  const found: Neighbour[][] = Array.from({ length: queries.rows }, () => []);
  await withEngine('auto', async (engine) => {
    const join = await joinNeighbours(queries, database, { engine, k: Math.min(k, database.rows), threshold: -Infinity, method: 'exact' });
    for await (const { count, from, to, similarity } of join.edges()) {
      for (let i = 0; i < count; i++) found[from[i]!]!.push({ id: eligible?.[to[i]!] ?? to[i]!, similarity: similarity[i]! });
    }
    await join.close();
  });
  return found;
}
