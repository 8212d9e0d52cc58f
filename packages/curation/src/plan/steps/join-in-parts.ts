import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readEdges, writeEdges } from '../../neighbours/edge-file';
import type { EdgeBlock } from '../../neighbours/edges';
import { joinNeighbours } from '../../neighbours/join-neighbours';
import type { Vectors } from '../../vectors/vectors';
import { readJson, writeJson } from '../run-files';
import type { StepKind } from '../schema';
import type { StepWork } from '../step';

/** Multiply-adds of one part: some twenty seconds on two cores. */
const PART = 2e12;
const MOST_PARTS = 64;

/** How neighbours were searched for. */
interface JoinFacts {
  readonly method: 'exact' | 'ivf';
  readonly probes?: number;
  readonly partitions?: number;
  /** Of all pairs above the floor, how many were found: measured on a sample, 1 for `exact`. */
  readonly edgeRecall: number;
  readonly sampledEdges: number;
  /** Pairs above the floor; a pair may count twice, once from each end. */
  readonly edges: number;
}

/** Edges of all parts, in order. */
export interface PartedJoin {
  readonly facts: JoinFacts;
  edges(): AsyncIterable<EdgeBlock>;
}

interface JoinWork extends Pick<StepWork<StepKind>, 'engine' | 'work' | 'shard' | 'signal' | 'seed' | 'progress'> {
  /** Tells several joins of one step. */
  readonly name: string;
  readonly k: number;
  /** Cosine that is exceeded. */
  readonly floor: number;
  readonly method: 'auto' | 'exact' | 'ivf';
  readonly recall: number;
}

/**
 * A join in parts that are kept as they are done: a run that is cut goes on with the next part, and machines share them.
 *
 * @returns undefined when this shard's parts are done and others are missing
 */
export async function joinInParts(queries: Vectors, database: Vectors, options: JoinWork): Promise<PartedJoin | undefined> {
  const { work, name, shard, signal, progress } = options;
  const path = (part: number, of: number, ending: string) => join(work, `${name}-${part}-of-${of}.${ending}`);
  const isDone = (part: number, of: number) => existsSync(path(part, of, 'json'));
  const whole = (of: number) => Array.from({ length: of }, (_, part) => part).every((part) => isDone(part, of));

  // Parts of shards that were put together may be others than this machine would make.
  const found = (await readdir(work)).flatMap((file) => (file.startsWith(`${name}-0-of-`) && file.endsWith('.json') ? [Number(file.slice(name.length + 6, -5))] : []));
  let parts = found.find(whole);
  if (parts === undefined) {
    const own = Math.min(MOST_PARTS, queries.rows, Math.max(1, Math.ceil((queries.rows * database.rows * database.columns) / PART)));
    parts = shard === undefined ? own : Math.ceil(own / shard.of) * shard.of;
    const mine = Array.from({ length: parts }, (_, part) => part).filter((part) => shard === undefined || part % shard.of === shard.index);
    const advance = progress('rows');
    for (const part of mine) {
      if (isDone(part, parts)) continue;
      signal?.throwIfAborted();
      const result = await joinNeighbours(queries, database, {
        engine: await options.engine(),
        k: options.k,
        threshold: options.floor,
        method: options.method,
        recall: options.recall,
        seed: options.seed,
        shard: { index: part, of: parts },
        scratch: join(work, `${name}-scratch`),
        ...(signal && { signal }),
        onProgress: ({ stage, done, total }) => {
          if (stage === 'join') advance(Math.round((mine.indexOf(part) + done / total) * (queries.rows / parts!)), Math.round((mine.length * queries.rows) / parts!));
        },
      });
      try {
        await writeEdges(path(part, parts, 'edges'), result.edges());
        const { method, probes, partitions, edgeRecall, sampledEdges, count: edges } = result;
        await writeJson(path(part, parts, 'json'), { method, ...(probes !== undefined && { probes }), ...(partitions !== undefined && { partitions }), edgeRecall, sampledEdges, edges } satisfies JoinFacts);
      } finally {
        await result.close();
      }
    }
    if (!whole(parts)) return undefined;
  }
  const of = parts;
  const all = Array.from({ length: of }, (_, part) => readJson<JoinFacts>(path(part, of, 'json'))!);
  const sampledEdges = all.reduce((sum, part) => sum + part.sampledEdges, 0);
  return {
    facts: {
      ...all[0]!,
      sampledEdges,
      edgeRecall: sampledEdges === 0 ? 1 : all.reduce((sum, part) => sum + part.edgeRecall * part.sampledEdges, 0) / sampledEdges,
      edges: all.reduce((sum, part) => sum + part.edges, 0),
    },
    edges: () => readEdges(...Array.from({ length: of }, (_, part) => path(part, of, 'edges'))),
  };
}
