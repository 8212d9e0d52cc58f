import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Extractor } from '@dinov2/features';
import type { Engine } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { CurationError } from '../error';
import { hashOf } from '../hashes/hash-of';
import { countReasons, type Decisions, kept } from './decisions';
import { type ImageSet, type ImageTable, numbersOf, selectVectors, setOf } from './image-table';
import { readDecisions, writeDecisions } from './decision-files';
import { hashFile } from './hash-file';
import type { Reporter } from './reporter';
import { readJson, stepFiles, stepFolder, stepLabel, writeJson } from './run-files';
import type { Plan, PlannedStep, StepKind } from './schema';
import type { Shard } from '../kmeans/shards';
import type { FinishedStep, StepOutcome, StepRunner } from './step';
import { stepRunners } from './steps';

/** Of the meaning of results: others are made anew. */
const VERSION = 2;

/** Counts of one source in one step. */
export interface SourceCounts {
  readonly name: string;
  readonly in: number;
  readonly kept: number;
  readonly dropped: number;
  readonly taken: number;
}

/** `result.json` of a step. */
export interface StepResult {
  readonly version: number;
  /** `02-exact` */
  readonly step: string;
  readonly name: string;
  readonly kind: StepKind;
  /** Hash of settings and inputs: a step with this key is not run again. */
  readonly key: string;
  readonly settings: object;
  readonly in: number;
  readonly kept: number;
  readonly dropped: number;
  /** Images that go on, each as often as it is taken. */
  readonly taken: number;
  readonly seconds: number;
  readonly sources: readonly SourceCounts[];
  readonly reasons: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, unknown>>;
  /** SHA-256 of the files that later steps read. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** What to run of a plan, and with what. */
export interface StepsOptions {
  readonly plan: Plan;
  readonly images: ImageTable;
  readonly reporter: Reporter;
  readonly engine: () => Promise<Engine>;
  readonly extractor: () => Promise<Extractor>;
  /** Run this step again, and no other. */
  readonly only?: string;
  /** Run this step again, and those after it. */
  readonly from?: string;
  readonly shard?: Shard;
  readonly signal?: AbortSignal;
  /** In place of those of {@link stepRunners}, for tests. */
  readonly runners?: Partial<{ readonly [K in StepKind]: StepRunner<K> }>;
}

/** Results of the steps, and the images after the last. `undefined`: a shard's part is done, or one step alone. */
export interface StepsOutcome {
  readonly results: readonly StepResult[];
  readonly final: Pick<Decisions, 'ids' | 'times'> | undefined;
}

/**
 * Run the steps of a plan that have no result for their settings and inputs.
 *
 * @throws CurationError when `only` or `from` names no step, or what comes before has not been run.
 */
export async function runSteps(options: StepsOptions): Promise<StepsOutcome> {
  const { plan, images, reporter, only, from } = options;
  const names = plan.steps.map(({ name }) => name);
  for (const [option, name] of [['--step', only], ['--from', from]] as const) {
    if (name !== undefined && !names.includes(name)) throw new CurationError(`${option} ${name} is no step of the plan; its steps are ${names.join(', ')}`);
  }
  const first = numbersOf(images.sets, ({ role }) => role === 'source');
  let entering: Pick<Decisions, 'ids' | 'times'> = { ids: first, times: new Uint16Array(first.length).fill(1) };
  let upstream: Readonly<Record<string, unknown>> = {};
  const results: StepResult[] = [];
  const before: FinishedStep[] = [];

  for (const [number, step] of plan.steps.entries()) {
    const folder = stepFolder(plan.out, step, number);
    const key = hashOf(VERSION, step.kind, await contentOf(step), plan.seed, images.key, plan.sources.map(({ priority }) => priority), upstream);
    const found = readJson<StepResult>(join(folder, stepFiles.result));
    const current = found?.key === key && Object.keys(found.outputs).every((file) => existsSync(join(folder, file)));
    const forced = only === step.name || (from !== undefined && number >= names.indexOf(from));
    let result: StepResult;
    if (current && !forced) {
      result = found;
      // Left by a run that was cut after its result.
      await rm(join(folder, stepFiles.work), { recursive: true, force: true });
      reporter.skipped(stepLabel(step, number), result);
    } else {
      if (only !== undefined && number < names.indexOf(only)) {
        throw new CurationError(`--step ${only} needs the result of ${step.name} before it, which is missing or out of date; run the plan without --step, or with --from ${step.name}`);
      }
      const made = await runStep({ ...options, step, number, folder, key, entering, before, fresh: forced });
      if (made === undefined) return { results, final: undefined };
      result = made;
    }
    results.push(result);
    if (only === step.name) {
      if (number + 1 < plan.steps.length) reporter.say(`${step.name} is done; run the plan to bring the steps after it up to date`);
      return { results, final: undefined };
    }
    entering = kept(await readDecisions(join(folder, stepFiles.decisions)));
    const { threshold, separable } = (step.kind === 'selfDeduplicate' ? result.facts : {}) as Pick<FinishedStep, 'threshold' | 'separable'>;
    // Clusters and a threshold are read by steps further on.
    upstream = { decisions: result.outputs[stepFiles.decisions], clusters: step.kind === 'cluster' ? result.outputs : upstream['clusters'], threshold: threshold ?? upstream['threshold'] };
    before.push({ kind: step.kind, name: step.name, folder, ...(threshold !== undefined && { threshold }), ...(separable !== undefined && { separable }) });
  }
  return { results, final: entering };
}

interface OneStep extends StepsOptions {
  readonly step: PlannedStep;
  readonly number: number;
  readonly folder: string;
  readonly key: string;
  readonly entering: Pick<Decisions, 'ids' | 'times'>;
  readonly before: readonly FinishedStep[];
  /** Whether work under way of an earlier attempt is thrown away. */
  readonly fresh: boolean;
}

async function runStep({ plan, images, reporter, engine, extractor, shard, signal, runners, step, number, folder, key, entering, before, fresh }: OneStep): Promise<StepResult | undefined> {
  const label = stepLabel(step, number);
  const started = performance.now();
  const work = join(folder, stepFiles.work);
  await prepareFolder(folder, work, key, fresh);
  reporter.begin(label, entering.ids.length);
  const random = createRandom(plan.seed).fork(step.name);
  const run = (runners?.[step.kind] ?? stepRunners[step.kind]) as StepRunner<StepKind>;
  const outcome = await run({
    settings: step.settings,
    plan, images, folder, work, before, random,
    seed: random.fork('seed').bits(),
    ids: entering.ids,
    times: entering.times,
    ...(shard && { shard }),
    ...(signal && { signal }),
    engine,
    extractor,
    vectors: (ids) => selectVectors(images.vectors, ids),
    progress: (unit, part) => reporter.progress(part === undefined ? label : `${label}, ${part}`, unit),
    say: (text) => reporter.say(text),
    warn: (text) => reporter.warn(text),
  });
  reporter.endProgress();
  if (outcome === undefined) {
    reporter.say(`${label}: shard ${shard!.index}/${shard!.of} is done; when all are, put the run folders together with \`dinov2-curate merge\` and run the plan`);
    return undefined;
  }
  await writeDecisions(join(folder, stepFiles.decisions), outcome.decisions);
  const result: StepResult = {
    version: VERSION,
    step: label,
    name: step.name,
    kind: step.kind,
    key,
    settings: step.settings,
    ...countAll(outcome, images.sets),
    seconds: Number(((performance.now() - started) / 1000).toFixed(2)),
    facts: outcome.facts,
    outputs: Object.fromEntries(await Promise.all([stepFiles.decisions, ...(outcome.files ?? [])].map(async (file) => [file, await hashFile(join(folder, file))] as const))),
  };
  // Last: with it the step is done.
  await writeJson(join(folder, stepFiles.result), result);
  await rm(work, { recursive: true, force: true });
  reporter.done(label, result);
  return result;
}

/** Settings, with the text of a module that they name. */
async function contentOf({ settings }: PlannedStep): Promise<unknown> {
  if (!('classifier' in settings) || settings.classifier === null) return settings;
  const text = await readFile(settings.classifier, 'utf8').catch((cause: Error) => {
    throw new CurationError(`the classifier ${String(settings.classifier)} cannot be read: ${cause.message}; check the path in the plan`, { cause });
  });
  return [settings, text];
}

/** Take away what an earlier attempt left, but for work that this one can go on with. */
async function prepareFolder(folder: string, work: string, key: string, fresh: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  await rm(join(folder, stepFiles.result), { force: true });
  const stamp = join(work, 'key');
  const same = !fresh && (await readFile(stamp, 'utf8').catch(() => '')) === key;
  for (const name of await readdir(folder)) {
    if (name !== stepFiles.work || !same) await rm(join(folder, name), { recursive: true, force: true });
  }
  await mkdir(work, { recursive: true });
  if (!same) await writeFile(stamp, key);
}

function countAll({ decisions }: StepOutcome, sets: readonly ImageSet[]): Pick<StepResult, 'in' | 'kept' | 'dropped' | 'taken' | 'sources' | 'reasons'> {
  const sources = sets.filter(({ role }) => role === 'source');
  const counts = new Map(sources.map(({ name }) => [name, { in: 0, kept: 0, taken: 0 }]));
  decisions.ids.forEach((id, i) => {
    const count = counts.get(setOf(sources, id).name)!;
    count.in++;
    count.kept += decisions.keep[i]!;
    count.taken += decisions.times[i]!;
  });
  const rows = [...counts].map(([name, count]) => ({ name, in: count.in, kept: count.kept, dropped: count.in - count.kept, taken: count.taken }));
  const sum = (key: 'in' | 'kept' | 'dropped' | 'taken') => rows.reduce((total, row) => total + row[key], 0);
  return { in: sum('in'), kept: sum('kept'), dropped: sum('dropped'), taken: sum('taken'), sources: rows, reasons: countReasons(decisions) };
}
