import type { EngineChoice } from '@dinov2/app-kit';
import type { Engine } from '@dinov2/jit';
import { joinNeighbours, type Join } from '../../neighbours/join-neighbours';
import { lazyEngine } from '../../plan/lazy-engine';
import { terminalReporter } from '../../plan/reporter';
import type { Vectors } from '../../vectors/vectors';
import { openVectors } from '../../vectors/open-vectors';

/** How neighbours are searched for. */
export interface JoinOptions {
  readonly k: number;
  readonly method: 'auto' | 'exact' | 'ivf';
  readonly recall: number;
  readonly seed: number;
  readonly engine: EngineChoice;
}

/** Do something with an engine, which is given up afterwards. */
export async function withEngine<T>(choice: EngineChoice, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = lazyEngine(choice);
  try {
    return await work(await engine.open());
  } finally {
    await engine.dispose();
  }
}

/** Do something with vectors of files, which are closed afterwards. */
export async function withVectors<T>(paths: readonly string[], work: (...vectors: Vectors[]) => Promise<T>): Promise<T> {
  const opened: Vectors[] = [];
  try {
    for (const path of paths) opened.push(await openVectors(path));
    return await work(...opened);
  } finally {
    await Promise.all(opened.map((vectors) => vectors.close()));
  }
}

/** A join with progress; says what was searched and what share of the pairs was found. */
export async function joined(queries: Vectors, database: Vectors, engine: Engine, { k, method, recall, seed }: JoinOptions, threshold: number): Promise<Join> {
  const reporter = terminalReporter();
  const stages = new Map<string, ReturnType<typeof reporter.progress>>();
  const join = await joinNeighbours(queries, database, {
    engine, k, method, recall, seed, threshold,
    onProgress({ stage, done, total }) {
      if (!stages.has(stage)) stages.set(stage, reporter.progress(stage, 'rows'));
      stages.get(stage)!(done, total);
    },
  });
  reporter.endProgress();
  console.log(join.method === 'exact' ? 'exact search' : `${join.probes} of ${join.partitions} partitions; ${(100 * join.edgeRecall).toFixed(1)} % of the pairs found, by a sample of ${join.sampledEdges}`);
  return join;
}
