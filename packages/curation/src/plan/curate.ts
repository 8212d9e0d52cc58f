import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWrite } from '@dinov2/weights';
import { parse } from 'yaml';
import { hashOf } from '../hashes/hash-of';
import { writeReport } from '../report';
import { chooseWeights, openExtractor } from './choose-weights';
import { embedSets } from './embed-sets';
import { gatherImages } from './gather-images';
import type { ImageSet } from './image-table';
import { lazyEngine } from './lazy-engine';
import { planYaml } from './plan-yaml';
import { type Reporter, silentReporter } from './reporter';
import { readJson, runFiles, stepLabel, writeJson } from './run-files';
import { runSteps, type StepResult } from './run-steps';
import type { Plan } from './schema';
import type { Shard } from '../kmeans/shards';
import { type ManifestCounts, writeManifest } from './write-manifest';

/** Choices of {@link curate}. */
export interface CurateOptions {
  /** Says how the run goes on; silent by default. */
  readonly reporter?: Reporter;
  /** Name of a step to run again, and no other. */
  readonly only?: string;
  /** Name of a step to run again, with those after it. */
  readonly from?: string;
  /** Do one of several parts of what can be shared out between machines. */
  readonly shard?: Shard;
  readonly signal?: AbortSignal;
}

/** `result.json` of a run. */
export interface RunResult {
  readonly version: number;
  /** Hash of all that the manifest depends on. */
  readonly key: string;
  readonly plan: Plan;
  readonly embedding: { readonly name: string; readonly weights: string; readonly columns: number; readonly precision: string; readonly key: string; readonly warning?: string };
  readonly sets: readonly (ImageSet & { readonly final: number })[];
  /** `01-filter`, … */
  readonly steps: readonly string[];
  readonly sources: readonly SourceRow[];
  readonly queries: readonly QueryRow[];
  readonly manifest: Pick<ManifestCounts, 'images' | 'rows'>;
}

/** A query set as in the paper's Table 15: what was retrieved for it. */
interface QueryRow {
  readonly name: string;
  readonly images: number;
  readonly mode: string;
  readonly retrieved: number;
  /** null where retrieval was by sample. */
  readonly clusters: number | null;
  readonly final: number;
  readonly asIs: boolean;
}

/** A source as in the paper's Table 15: what it had, what each step left, and what is in the manifest. */
export interface SourceRow {
  readonly name: string;
  readonly found: number;
  readonly unreadable: number;
  readonly images: number;
  readonly after: Readonly<Record<string, number>>;
  readonly final: number;
}

/** A finished run. */
export interface CurateOutcome {
  readonly result: RunResult;
  readonly steps: readonly StepResult[];
  /** Paths. */
  readonly manifest: string;
  readonly report: string;
}

/**
 * Carry out a plan in its run folder. What is there already and still right is kept, so that a run that was
 * killed goes on, and a changed setting costs the steps from there on. Pictures are read and never touched.
 *
 * @returns undefined where only a part was asked for, by `only` or `shard`
 * @throws CurationError for steps that are not in the plan, weights that do not fit, sets without a readable
 * image; DataError for sources that cannot be opened.
 */
export async function curate(plan: Plan, options: CurateOptions = {}): Promise<CurateOutcome | undefined> {
  const { reporter = silentReporter, only, from, shard, signal } = options;
  // Embeddings that are there were made by the weights that were chosen then.
  const { weights, warning } = chooseWeights(plan.embed.weights ?? weightsOfRun(plan.out));
  if (warning !== undefined) reporter.warn(warning);
  await mkdir(plan.out, { recursive: true });
  await atomicWrite(join(plan.out, runFiles.plan), async (file) => file.writeFile(planYaml({ ...plan, embed: { ...plan.embed, weights } })));

  const extractor = await openExtractor(weights, plan.embed);
  const engine = lazyEngine(plan.engine);
  try {
    const sets = await embedSets(plan, extractor, { reporter, ...(shard && { shard }), ...(signal && { signal }) });
    if (sets.some(({ complete }) => !complete)) {
      reporter.say(`embed: shard ${shard!.index}/${shard!.of} is done; when all are, put the run folders together with \`dinov2-curate merge\` and run the plan there`);
      return undefined;
    }
    const extractorKey = hashOf(extractor.key, extractor.preprocessing, plan.embed.autoOrient);
    const images = await gatherImages(plan.out, sets, extractorKey, plan.embed.precision);
    try {
      const { results, final } = await runSteps({
        plan, images, reporter,
        engine: engine.open,
        extractor: async () => extractor,
        ...(only !== undefined && { only }),
        ...(from !== undefined && { from }),
        ...(shard && { shard }),
        ...(signal && { signal }),
      });
      if (final === undefined) return undefined;

      const asIs = plan.queries.flatMap(({ name, asIs }) => (asIs ? [name] : []));
      const embedding = { name: extractor.name, weights, columns: images.vectors.columns, precision: plan.embed.precision, key: extractorKey, ...(warning !== undefined && { warning }) };
      const key = hashOf(images.key, results.map(({ key, outputs }) => [key, outputs]), asIs);
      const paths = { manifest: join(plan.out, runFiles.manifest), report: join(plan.out, runFiles.report) };
      const found = readJson<RunResult>(join(plan.out, runFiles.result));
      if (found?.key === key && Object.values(paths).every((path) => existsSync(path)) && existsSync(join(plan.out, runFiles.manifestLines))) {
        return { result: found, steps: results, ...paths };
      }
      const counts = await writeManifest(plan.out, images, final, asIs);
      const result: RunResult = {
        version: 1,
        key,
        plan,
        embedding,
        sets: images.sets.map((set) => ({ ...set, final: counts.sets[set.name] ?? 0 })),
        steps: plan.steps.map(stepLabel),
        sources: images.sets.filter(({ role }) => role === 'source').map((set) => sourceRow(set, results, counts)),
        queries: results.flatMap(({ facts }) => (Array.isArray(facts['sets']) ? (facts['sets'] as Omit<QueryRow, 'asIs'>[]) : [])).map((row) => ({ ...row, asIs: asIs.includes(row.name) })),
        manifest: { images: counts.images, rows: counts.rows },
      };
      await writeJson(join(plan.out, runFiles.result), result);
      await writeReport(plan.out);
      return { result, steps: results, ...paths };
    } finally {
      await images.vectors.close();
    }
  } finally {
    await extractor.dispose();
    await engine.dispose();
  }
}

/** The weights of the plan in a run folder. */
function weightsOfRun(out: string): string | null {
  const path = join(out, runFiles.plan);
  if (!existsSync(path)) return null;
  const { embed } = parse(readFileSync(path, 'utf8')) as { embed?: { weights?: string } };
  return embed?.weights ?? null;
}

function sourceRow({ name, found, unreadable, images }: ImageSet, results: readonly StepResult[], counts: ManifestCounts): SourceRow {
  const after = Object.fromEntries(results.map(({ step, sources }) => [step, sources.find((source) => source.name === name)!.taken]));
  return { name, found, unreadable, images, after, final: counts.sets[name] ?? 0 };
}
