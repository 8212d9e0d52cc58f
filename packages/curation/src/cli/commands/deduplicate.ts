import { noRow, relativeDeduplicate } from '../../duplicates/relative-deduplicate';
import { selfDeduplicate } from '../../duplicates/self-deduplicate';
import { writeDecisions } from '../../plan/decision-files';
import { drop, keepAll } from '../../plan/decisions';
import { joined, type JoinOptions, withEngine, withVectors } from './joined';

interface DeduplicateOptions extends JoinOptions {
  readonly against?: string;
  readonly mode: 'component' | 'direct';
  readonly threshold?: number;
  readonly out: string;
}

/** `dinov2-curate deduplicate` */
export async function deduplicateCommand(path: string, options: DeduplicateOptions): Promise<void> {
  const { against, mode, out } = options;
  await withVectors(against === undefined ? [path] : [path, against], (pool, references) =>
    withEngine(options.engine, async (engine) => {
      const rows = Uint32Array.from({ length: pool!.rows }, (_, row) => row);
      const decisions = keepAll(rows, new Uint16Array(rows.length).fill(1), 'kept');
      if (references === undefined) {
        const { threshold = 0.6 } = options;
        const join = await joined(pool!, pool!, engine, options, threshold);
        const { keep, representative, component, similarity, counts } = await selfDeduplicate(rows.length, join, { threshold, vectors: pool! });
        for (const row of rows) {
          decisions.component[row] = component[row]!;
          if (keep[row] === 1) continue;
          drop(decisions, row, 'duplicate');
          decisions.related[row] = representative[row]!;
          decisions.similarity[row] = similarity[row]!;
        }
        console.log(`${counts.participants} of ${counts.rows} rows are in ${counts.components} groups; ${counts.dropped} can go, ${counts.kept} stay`);
        await join.close();
      } else {
        const { threshold = 0.45 } = options;
        const between = await joined(pool!, references, engine, { ...options, k: Math.min(4, references.rows) }, threshold);
        const within = await joined(pool!, pool!, engine, options, threshold);
        const { keep, reference, similarity, component, counts } = await relativeDeduplicate({ pool: pool!.rows, references: references.rows, between, within }, { threshold, mode });
        for (const row of rows) {
          decisions.component[row] = component[row]!;
          if (reference[row] !== noRow) {
            decisions.related[row] = reference[row]!;
            decisions.similarity[row] = similarity[row]!;
          }
          if (keep[row] === 0) drop(decisions, row, 'heldOut');
        }
        console.log(`of ${counts.pool} rows ${counts.direct} are near one of ${counts.references} others, ${counts.component} hang together with one; ${counts.dropped} go (${mode})`);
        await Promise.all([between.close(), within.close()]);
      }
      await writeDecisions(out, decisions);
      console.log(out);
    }),
  );
}
