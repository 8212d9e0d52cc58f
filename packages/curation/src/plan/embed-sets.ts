import { join, relative } from 'node:path';
import { openSource } from '@dinov2/data';
import type { Extractor } from '@dinov2/features';
import { embedImages } from '../embed';
import { CurationError } from '../error';
import type { EmbeddedSet } from './gather-images';
import type { Reporter } from './reporter';
import { runFiles } from './run-files';
import type { Plan } from './schema';
import type { Shard } from '../kmeans/shards';

/** All sets of a plan, in the order of their images' numbers. */
export const setsOf = ({ sources, queries, heldOut }: Plan) => [
  ...sources.map(({ name, path }) => ({ name, path, role: 'source' as const })),
  ...queries.map(({ name, path }) => ({ name, path, role: 'query' as const })),
  ...heldOut.map(({ name, path }) => ({ name, path, role: 'heldOut' as const })),
];

/** Embed every set of a plan; what is there already is not computed again. */
export async function embedSets(plan: Plan, extractor: Extractor, { reporter, shard, signal }: { readonly reporter: Reporter; readonly shard?: Shard; readonly signal?: AbortSignal }): Promise<EmbeddedSet[]> {
  const { precision, autoOrient, workers, shardRows } = plan.embed;
  const embedded: EmbeddedSet[] = [];
  for (const set of setsOf(plan)) {
    const source = openSource(set.path);
    const folder = join(plan.out, runFiles.embeddings, set.name);
    const advance = reporter.progress(`embed ${set.name}`, 'images');
    const { found, failed, complete } = await embedImages(source, extractor, {
      out: folder,
      precision,
      shardRows,
      ...(autoOrient && { decode: { autoOrient } }),
      ...(workers !== null && { workers }),
      ...(shard && { shard }),
      ...(signal && { signal }),
      onProgress: ({ done, total }) => advance(done, total),
    });
    reporter.endProgress();
    if (failed > 0) reporter.warn(`${failed} of ${found} files of ${set.name} cannot be read; ${relative('.', join(folder, 'failed.parquet'))} says why`);
    if (failed === found && shard === undefined) throw new CurationError(`none of the ${found} images of ${set.name} (${set.path}) can be read; see ${join(folder, 'failed.parquet')}`);
    embedded.push({ ...set, folder, found, unreadable: failed, complete });
  }
  return embedded;
}
