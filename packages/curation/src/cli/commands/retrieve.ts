import { kmeans } from '../../kmeans/kmeans';
import { terminalReporter } from '../../plan/reporter';
import { retrieveByCluster } from '../../retrieval/retrieve-by-cluster';
import { type Collisions, retrieveBySample } from '../../retrieval/retrieve-by-sample';
import { writeTable } from '../../tables';
import { type JoinOptions, withEngine, withVectors } from './joined';

interface RetrieveOptions extends Pick<JoinOptions, 'seed' | 'engine'> {
  readonly mode: 'sample' | 'cluster';
  readonly k: number;
  readonly collisions: Collisions;
  readonly clusters?: number;
  readonly minQueries: number;
  readonly perCluster: number;
  readonly cap: number;
  readonly out: string;
}

/** `dinov2-curate retrieve` */
export async function retrieveCommand(queryPath: string, poolPath: string, options: RetrieveOptions): Promise<void> {
  const { mode, k, collisions, minQueries, perCluster, cap, seed, out } = options;
  const reporter = terminalReporter();
  await withVectors([queryPath, poolPath], (queries, pool) =>
    withEngine(options.engine, async (engine) => {
      const advance = reporter.progress(mode, 'rows');
      if (mode === 'sample') {
        const found = await retrieveBySample(queries!, pool!, { k, collisions, engine, seed, onProgress: ({ done, total }) => advance(done, total) });
        reporter.endProgress();
        const final = Math.min(cap, found.rows.length);
        console.log(`${queries!.rows} queries × ${k}: ${found.rows.length} rows (${collisions}), ${found.distinct} different; ${final} written`);
        await writeTable(out, { row: found.rows.subarray(0, final), query: found.queries.subarray(0, final), similarity: found.similarity.subarray(0, final) });
      } else {
        const clusters = options.clusters ?? Math.max(2, Math.round(Math.sqrt(pool!.rows)));
        const clustering = await kmeans(pool!, { clusters, engine, seed, onProgress: ({ rows, total }) => advance(rows, total) });
        const found = await retrieveByCluster(queries!, pool!, clustering, { engine, minQueries, perCluster, cap, seed });
        reporter.endProgress();
        console.log(`${found.qualifying} of ${clusters} clusters hold more than ${minQueries} of ${queries!.rows} queries: ${found.retrieved} rows, ${found.rows.length} written`);
        await writeTable(out, { row: found.rows, cluster: found.clusters });
      }
      console.log(out);
    }),
  );
}
