import { join } from 'node:path';
import { hierarchicalKmeans } from '../../hierarchy/hierarchical-kmeans';
import { rowsBelow } from '../../hierarchy/hierarchy';
import { terminalReporter } from '../../plan/reporter';
import { levelsFor } from '../../plan/steps/cluster';
import { type JoinOptions, withEngine, withVectors } from './joined';

interface ClusterOptions extends Pick<JoinOptions, 'seed' | 'engine'> {
  readonly levels?: readonly number[];
  readonly resampling: number;
  readonly iterations: number;
  readonly out: string;
}

/** `dinov2-curate cluster` */
export async function clusterCommand(path: string, { levels: asked, resampling, iterations, seed, engine: choice, out }: ClusterOptions): Promise<void> {
  const reporter = terminalReporter();
  await withVectors([path], (vectors) =>
    withEngine(choice, async (engine) => {
      const levels = asked ?? levelsFor(vectors!.rows);
      const stages = new Map<string, ReturnType<typeof reporter.progress>>();
      const hierarchy = await hierarchicalKmeans(vectors!, {
        levels, resampling, iterations, seed, engine,
        folder: out,
        onProgress({ level, round, phase, rows, total }) {
          const stage = `${level} ${round} ${phase}`;
          if (!stages.has(stage)) stages.set(stage, reporter.progress(`level ${level}, ${phase}`, 'rows'));
          stages.get(stage)!(rows, total);
        },
      });
      reporter.endProgress();
      rowsBelow(hierarchy).forEach((sizes, i) => {
        const ordered = [...sizes].sort((a, b) => a - b);
        console.log(`level ${i + 1}: ${sizes.length} clusters of ${ordered[0]} to ${ordered.at(-1)} rows, half of them up to ${ordered[Math.floor(sizes.length / 2)]}  ${join(out, `level-${i + 1}`)}`);
      });
      console.log(`next: dinov2-curate sample ${out}`);
    }),
  );
}
