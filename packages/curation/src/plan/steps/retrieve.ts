import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assign } from '../../kmeans/assign';
import { kmeans } from '../../kmeans/kmeans';
import { retrieveByCluster } from '../../retrieval/retrieve-by-cluster';
import { retrieveBySample } from '../../retrieval/retrieve-by-sample';
import { numbers, readTable, writeTable } from '../../tables';
import type { Vectors } from '../../vectors/vectors';
import { keepAll, NONE, reasonCode } from '../decisions';
import { numbersOf } from '../image-table';
import { readJson, writeJson } from '../run-files';
import type { QuerySet, StepSettings } from '../schema';
import type { StepRunner, StepWork } from '../step';

/** Which images were retrieved for which set, with multiplicity. */
const RETRIEVED = 'retrieved.parquet';
/** Images of a cluster in the paper: 744 million in 100,000. */
const IMAGES_PER_CLUSTER = 7440;
const FEWEST_CLUSTERS = 2;

/** One query set as in the paper's Table 15. */
interface SetFacts {
  readonly name: string;
  readonly images: number;
  readonly mode: 'sample' | 'cluster';
  /** Of `sample`. */
  readonly k: number | null;
  /** Of `cluster`: how many held enough queries. */
  readonly clusters: number | null;
  /** Before the cap and before collisions were settled. */
  readonly retrieved: number;
  readonly final: number;
  /** By how many there were fewer than asked for. */
  readonly shortfall: number;
  readonly edgeRecall: number;
}

/** What was retrieved for one set: rows of the pool, query or none, cosine or none, cluster or none. */
interface Found {
  readonly facts: SetFacts;
  readonly rows: Uint32Array;
  readonly queries?: Uint32Array;
  readonly similarity?: Float32Array;
  readonly clusters?: Uint32Array;
}

/** Keep what is like the query sets (§3, A.4), each set by itself. */
export const retrieve: StepRunner<'retrieve'> = async (work) => {
  const { settings, plan, images, ids, folder, vectors } = work;
  const decisions = keepAll(ids, new Uint16Array(ids.length), 'notRetrieved');
  decisions.keep.fill(0);
  if (ids.length === 0) return { decisions, facts: { sets: [] } };
  const pool = vectors(ids);
  const retrieved = reasonCode(decisions, 'retrieved');
  const clusters = lazyClusters(work, pool);
  const sets: SetFacts[] = [];
  const table = { set: [] as string[], id: [] as number[], query: [] as (number | null)[], similarity: [] as (number | null)[], cluster: [] as (number | null)[] };
  for (const set of plan.queries) {
    const queries = numbersOf(images.sets, ({ role, name }) => role === 'query' && name === set.name);
    const found = await ofSet(work, set, vectors(queries), pool, clusters);
    sets.push(found.facts);
    const multiple = (set.collisions ?? settings.collisions) === 'keep' && found.facts.mode === 'sample';
    const taken = new Map<number, number>();
    found.rows.forEach((row, i) => {
      taken.set(row, (taken.get(row) ?? 0) + 1);
      decisions.keep[row] = 1;
      decisions.reasons[row] = retrieved;
      const similarity = found.similarity?.[i];
      if (similarity !== undefined && !(similarity <= decisions.similarity[row]!)) {
        decisions.similarity[row] = similarity;
        decisions.related[row] = queries[found.queries![i]!]!;
      }
      if (found.clusters !== undefined && decisions.component[row] === NONE) decisions.component[row] = found.clusters[i]!;
      table.set.push(set.name);
      table.id.push(ids[row]!);
      table.query.push(found.queries === undefined ? null : queries[found.queries[i]!]!);
      table.similarity.push(similarity ?? null);
      table.cluster.push(found.clusters?.[i] ?? null);
    });
    for (const [row, times] of taken) decisions.times[row] = multiple ? decisions.times[row]! + times : Math.max(1, decisions.times[row]!);
  }
  await writeTable(join(folder, RETRIEVED), {
    set: table.set,
    id: Uint32Array.from(table.id),
    query: { type: 'uint32', values: table.query },
    similarity: { type: 'float32', values: table.similarity },
    cluster: { type: 'uint32', values: table.cluster },
  });
  return { decisions, facts: { sets } };
};

type Clusters = () => Promise<{ readonly clustering: Awaited<ReturnType<typeof kmeans>>; readonly ofPool: Uint32Array }>;

/** Clusters of the pool, made when the first set asks for them. */
function lazyClusters({ settings, engine, seed, work, progress, signal }: StepWork<'retrieve'>, pool: Vectors): Clusters {
  let made: ReturnType<Clusters> | undefined;
  const make = async () => {
    const count = settings.clusters === 'auto' ? Math.max(FEWEST_CLUSTERS, Math.round(Math.max(pool.rows / IMAGES_PER_CLUSTER, Math.sqrt(pool.rows)))) : settings.clusters;
    const advance = progress('rows');
    const common = { engine: await engine(), ...(signal && { signal }) };
    const clustering = await kmeans(pool, { ...common, clusters: Math.min(count, pool.rows), seed, checkpoint: join(work, 'clusters'), onProgress: ({ rows, total }) => advance(rows, total) });
    return { clustering, ofPool: (await assign(pool, clustering, common)).clusters };
  };
  return () => (made ??= make());
}

/** One set, kept as soon as it is done. */
async function ofSet(step: StepWork<'retrieve'>, set: QuerySet, queries: Vectors, pool: Vectors, clusters: Clusters): Promise<Found> {
  const [path, factsPath] = ['parquet', 'json'].map((ending) => join(step.work, `set-${set.name}.${ending}`)) as [string, string];
  if (existsSync(factsPath)) {
    const data = await readTable(path);
    const column = (name: string) => (data.columns[name] === undefined ? undefined : (numbers(data, name) as Uint32Array));
    return {
      facts: readJson<SetFacts>(factsPath)!,
      rows: column('row')!,
      ...(column('query') && { queries: column('query')!, similarity: numbers(data, 'similarity') as Float32Array }),
      ...(column('cluster') && { clusters: column('cluster')! }),
    };
  }
  const found = await search(step, set, queries, pool, clusters);
  await writeTable(path, {
    row: found.rows,
    ...(found.queries && found.similarity && { query: found.queries, similarity: found.similarity }),
    ...(found.clusters && { cluster: found.clusters }),
  });
  await writeJson(factsPath, found.facts);
  return found;
}

async function search({ settings, engine, random, work, progress, signal }: StepWork<'retrieve'>, set: QuerySet, queries: Vectors, pool: Vectors, clusters: Clusters): Promise<Found> {
  const { mode, k, collisions, minQueries, perCluster, cap } = chosen(settings, set);
  const common = { engine: await engine(), seed: random.fork(`set ${set.name}`).bits(), ...(signal && { signal }) };
  const facts = { name: set.name, images: queries.rows, mode };
  if (mode === 'cluster') {
    const { clustering, ofPool } = await clusters();
    const found = await retrieveByCluster(queries, pool, clustering, { ...common, poolClusters: ofPool, minQueries, perCluster, cap });
    const { rows, qualifying, retrieved, shortfall } = found;
    return { rows, clusters: found.clusters, facts: { ...facts, k: null, clusters: qualifying, retrieved, final: rows.length, shortfall, edgeRecall: 1 } };
  }
  const advance = progress('queries');
  const found = await retrieveBySample(queries, pool, { ...common, k, collisions, scratch: join(work, 'scratch'), onProgress: ({ done, total }) => advance(done, total) });
  // The nearest come first for every query, so that a cap takes of the queries in their order.
  const final = Math.min(cap, found.rows.length);
  const cut = <A extends Uint32Array | Float32Array>(values: A) => values.subarray(0, final) as A;
  return {
    rows: cut(found.rows), queries: cut(found.queries), similarity: cut(found.similarity),
    facts: { ...facts, k, clusters: null, retrieved: k * queries.rows - (collisions === 'unique' ? 0 : found.shortfall), final, shortfall: found.shortfall, edgeRecall: found.edgeRecall },
  };
}

/** Settings of the step, under those of the set. */
function chosen(settings: StepSettings<'retrieve'>, { mode, k, collisions, minQueries, perCluster, cap }: QuerySet): Omit<StepSettings<'retrieve'>, 'clusters'> {
  return {
    mode: mode ?? settings.mode,
    k: k ?? settings.k,
    collisions: collisions ?? settings.collisions,
    minQueries: minQueries ?? settings.minQueries,
    perCluster: perCluster ?? settings.perCluster,
    cap: cap ?? settings.cap,
  };
}
