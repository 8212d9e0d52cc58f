import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runHolder } from '@dinov2/trainer';
import { stringify } from 'yaml';
import type { Initialization } from '../config/initialization';
import { fileLayer } from '../config/layer';
import { resolveSettings } from '../config/resolve';
import type { Settings } from '../config/schema';
import { PretrainError } from '../error';
import type { KnnScores } from '../evaluate/knn-evaluation';
import type { MetricsLine } from '../report/run-charts';
import type { EvaluationPoint } from '../report/page';

/** Where and with what a run was made; one entry per start. */
export interface Environment {
  readonly engine: string;
  readonly device: string;
  readonly precision: string;
  readonly runtime: string;
  readonly node: string;
  readonly cpu: string;
  readonly version: string;
  readonly startedAt: string;
}

/** First line of a run's `settings.yaml`; tells it from any other file of that name. */
const SETTINGS_HEADER = '# Every setting of this run, defaults filled in.';

const runFiles = [
  'checkpoints', 'tensorboard', 'settings.yaml', 'config.json', 'metrics.jsonl', 'evaluations.jsonl', 'environment.jsonl',
  'raw-pixels.json', 'random-weights.json', 'initialization.json', 'initial-backbone.safetensors', 'backbone.safetensors', 'heads.safetensors', 'report.html',
];

/** Whether a name in a run folder is the app's or the trainer's; a killed run may leave half-written ones. */
function isRunFile(name: string): boolean {
  return runFiles.includes(name.replace(/\.partial$/, '')) || /^skipped-batch-\d+\.safetensors(\.partial)?$/.test(name);
}

/** The files that the app keeps in a run's folder, next to those of the trainer. */
export class RunFolder {
  /** @param writes - off in processes that train together with the one that keeps the folder. */
  constructor(
    readonly path: string,
    readonly writes = true,
  ) {}

  /** Throws unless the folder holds a run. */
  static open(path: string): RunFolder {
    const run = new RunFolder(path);
    if (!existsSync(run.file('settings.yaml'))) {
      throw new PretrainError(`${path} holds no run (settings.yaml is missing); pass the folder that --out named`);
    }
    return run;
  }

  /**
   * Delete the run in the folder; what else is in it stays. A folder that is missing or empty will do.
   *
   * @throws PretrainError if the folder holds something and no run, or a process trains in it.
   */
  clear(): void {
    if (!this.writes || !existsSync(this.path) || readdirSync(this.path).length === 0) return;
    const settings = this.file('settings.yaml');
    if (!existsSync(settings) || !readFileSync(settings, 'utf8').startsWith(SETTINGS_HEADER)) {
      throw new PretrainError(`${this.path} holds files and no run of dinov2-pretrain, so --no-resume deletes nothing; name another folder with --out`);
    }
    const holder = runHolder(this.path);
    if (holder !== undefined) {
      throw new PretrainError(`process ${holder.pid} trains in ${this.path}; stop it before --no-resume deletes its run, or name another folder with --out`);
    }
    for (const name of readdirSync(this.path)) {
      if (isRunFile(name)) rmSync(this.file(name), { recursive: true, force: true });
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Weights before the first step, for comparison. */
  get initialBackbone(): string {
    return this.file('initial-backbone.safetensors');
  }

  /** Weights of the teacher at the end. */
  get backbone(): string {
    return this.file('backbone.safetensors');
  }

  get report(): string {
    return this.file('report.html');
  }

  writeSettings(settings: Settings): void {
    if (!this.writes) return;
    mkdirSync(this.path, { recursive: true });
    writeFileSync(this.file('settings.yaml'), `${SETTINGS_HEADER}\n${stringify(settings)}`);
  }

  readSettings(): Settings {
    return resolveSettings([fileLayer(this.file('settings.yaml'))]);
  }

  /** Batches of a step of the run that is here, null if there is none or it takes one. */
  shards(): number | null {
    return existsSync(this.file('settings.yaml')) ? this.readSettings().shards : null;
  }

  addEnvironment(environment: Environment): void {
    if (this.writes) appendFileSync(this.file('environment.jsonl'), `${JSON.stringify(environment)}\n`);
  }

  environments(): Environment[] {
    return readLines<Environment>(this.file('environment.jsonl'));
  }

  addEvaluation(point: EvaluationPoint): void {
    if (this.writes) appendFileSync(this.file('evaluations.jsonl'), `${JSON.stringify(point)}\n`);
  }

  /** In order of iteration; of one computed twice by a resumed run, the later. */
  evaluations(): EvaluationPoint[] {
    return latest(readLines<EvaluationPoint>(this.file('evaluations.jsonl')));
  }

  /** What the trained features are compared with. */
  writeBaseline(name: 'raw-pixels' | 'random-weights', scores: KnnScores): void {
    this.writeJson(`${name}.json`, scores);
  }

  baseline(name: 'raw-pixels' | 'random-weights'): KnnScores | undefined {
    return this.readJson(`${name}.json`);
  }

  /** The weights that the run began with, if it began with some. */
  writeInitialization(initialization: Initialization): void {
    const { path, model, heads, summary } = initialization;
    this.writeJson('initialization.json', { path, model, heads, summary });
  }

  initialization(): Initialization | undefined {
    return this.readJson('initialization.json');
  }

  private writeJson(name: string, value: unknown): void {
    if (this.writes) writeFileSync(this.file(name), `${JSON.stringify(value)}\n`);
  }

  private readJson<T>(name: string): T | undefined {
    const path = this.file(name);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
  }

  /** The trainer's log, in order of iteration. */
  metrics(): MetricsLine[] {
    return latest(readLines<MetricsLine>(this.file('metrics.jsonl')).filter((line) => typeof line.iteration === 'number'));
  }
}

/** Whole lines only: a killed run may have left half of one. */
function readLines<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as T];
      } catch {
        return [];
      }
    });
}

function latest<T extends { readonly iteration: number }>(lines: readonly T[]): T[] {
  return [...new Map(lines.map((line) => [line.iteration, line])).values()].sort((a, b) => a.iteration - b.iteration);
}
