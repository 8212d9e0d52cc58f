import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CurationError } from '../../error';
import { joinNeighbours } from '../../neighbours/join-neighbours';
import { openLanceIndex } from '../../neighbours/lance-index';
import { selectVectors } from '../../plan/image-table';
import { terminalReporter } from '../../plan/reporter';
import { readJson, runFiles } from '../../plan/run-files';
import type { Vectors } from '../../vectors/vectors';
import { withEngine } from './joined';

/** An image of a run and its cosine. */
export interface Neighbour {
  readonly id: number;
  readonly similarity: number;
}

/**
 * For each query the k images of a run that are most like it, the most similar first: through an index in the run
 * folder, which is made at the first question, or by comparing all where LanceDB is not installed.
 *
 * @param images - of the run that are searched: its first ones, as sources are
 */
export async function nearestInRun(run: string, vectors: Vectors, queries: Vectors, { k, images }: { readonly k: number; readonly images: number }): Promise<Neighbour[][]> {
  const database = selectVectors(vectors, Uint32Array.from({ length: images }, (_, row) => row));
  const { key } = readJson<{ key: string }>(join(run, runFiles.imagesStamp))!;
  // Other images or weights get an index of their own.
  const folder = join(run, 'index', `${key.slice(0, 16)}-${images}`);
  const index = await openLanceIndex(folder).catch((error: unknown) => {
    if (error instanceof CurationError && error.message.includes('is not installed')) return undefined;
    throw error;
  });
  if (index === undefined) return compareAll(database, queries, k);
  try {
    if ((await index.rows()) < images) {
      const reporter = terminalReporter();
      if (!existsSync(folder)) reporter.say('making the index; the next question is answered at once');
      const advance = reporter.progress('index', 'images');
      await index.extend(database, { onProgress: ({ done, total }) => advance(done, total) });
      reporter.endProgress();
    }
    const found: Neighbour[][] = [];
    for (let query = 0; query < queries.rows; query++) {
      found.push((await index.nearest(await queries.read(query, 1), { k })).map(({ row, similarity }) => ({ id: row, similarity })));
    }
    return found;
  } finally {
    index.close();
  }
}

async function compareAll(database: Vectors, queries: Vectors, k: number): Promise<Neighbour[][]> {
  const found: Neighbour[][] = Array.from({ length: queries.rows }, () => []);
  await withEngine('auto', async (engine) => {
    const join = await joinNeighbours(queries, database, { engine, k: Math.min(k, database.rows), threshold: -Infinity, method: 'exact' });
    for await (const { count, from, to, similarity } of join.edges()) {
      for (let i = 0; i < count; i++) found[from[i]!]!.push({ id: to[i]!, similarity: similarity[i]! });
    }
    await join.close();
  });
  return found;
}
