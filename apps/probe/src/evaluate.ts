import { cpus } from 'node:os';
import { join } from 'node:path';
import { duration, type Html } from '@dinov2/app-kit';
import pc from 'picocolors';
import type { EvaluationOptions } from './inputs/common';
import { defaultWeights } from './inputs/defaults';
import { type Subject, subjectsOf } from './inputs/subjects';
import { defaultOut, type NamedWeights, readWeights } from './inputs/weights';
import { comparisonPage } from './report/comparison-page';
import { detailsCsv } from './results/csv';
import { writeResult, writeText } from './results/files';
import type { Measured, Result } from './results/schema';
import { resultTable } from './results/table';
import { version } from './version';

/** What an evaluation found of one subject. */
interface Findings extends Measured {
  /** Settings that follow from the data or the network. */
  readonly settings?: Result['settings'];
  /** Pictures for the report, made only when it is written. */
  readonly gallery?: () => Promise<Html>;
  /** Further files beside the result: a trained head, pictures. */
  readonly write?: (folder: string) => Promise<void>;
}

/** An evaluation: what it is called, what it was set to, and how it judges one subject. */
export interface Evaluation {
  readonly command: string;
  readonly data: Result['data'];
  readonly settings: Result['settings'];
  /** Whether pictures are resized to the very size of the square that is kept, unless the user says otherwise. */
  readonly tight?: boolean;
  /** Whether whole pictures are judged, through the weights' preprocessing; true by default. */
  readonly whole?: boolean;
  measure(subject: Subject, say: (text: string) => void): Promise<Findings>;
}

/** Judge weights, and baselines if asked for; print tables, write results and reports. Returns the folders. */
export async function evaluate(options: EvaluationOptions, prepare: (weights: NamedWeights) => Promise<Evaluation>): Promise<string[]> {
  const paths = options.weights.length > 0 ? options.weights : [defaultWeights()];
  if (options.out !== undefined && paths.length > 1) warnSharedOut(options.out);
  const results: Result[] = [];
  const folders: string[] = [];
  for (const path of paths) {
    const started = performance.now();
    const weights = await readWeights(path);
    const evaluation = await prepare(weights);
    const subjects = subjectsOf(weights, { ...options, tight: evaluation.tight });
    console.log(`${pc.bold(evaluation.command)} of ${pc.bold(weights.name)}: ${weights.architecture}`);
    if (evaluation.whole !== false) console.log(`pictures ${describeView(subjects[0]!.preprocessing)}`);
    const rows: { subject: Subject; findings: Findings }[] = [];
    for (const subject of subjects) {
      rows.push({ subject, findings: await evaluation.measure(subject, (text) => console.log(`${pc.green(subject.name)} ${text}`)) });
    }
    const [own, ...baselines] = rows;
    const result: Result = {
      format: 'dinov2-probe result 1',
      command: evaluation.command,
      name: weights.name,
      weights: { path, name: weights.name, architecture: weights.architecture, parameters: weights.parameters, layout: weights.pretrained.layout },
      data: evaluation.data,
      settings: { ...sharedSettings(options, rows[0]!.subject), ...evaluation.settings, ...own!.findings.settings },
      ...measuredOf(own!.findings),
      ...(baselines.length > 0 && { baselines: Object.fromEntries(baselines.map(({ subject, findings }) => [subject.kind, measuredOf(findings)])) }),
      seconds: Number(((performance.now() - started) / 1000).toFixed(2)),
      environment: { node: process.version, cpu: cpus()[0]?.model.trim() ?? 'unknown', engine: options.engine },
      version,
      date: new Date().toISOString(),
    };
    const folder = options.out === undefined ? defaultOut(path, evaluation.command) : paths.length > 1 ? join(options.out, weights.name) : options.out;
    writeResult(folder, result);
    if (result.details !== undefined) writeText(join(folder, `per-${result.details.unit.replace(/\W+/g, '-')}.csv`), detailsCsv(result.details));
    await own!.findings.write?.(folder);
    writeText(join(folder, 'report.html'), comparisonPage([result], (await own!.findings.gallery?.()) ?? undefined));
    results.push(result);
    folders.push(folder);
  }
  console.log(resultTable(results));
  for (const [i, folder] of folders.entries()) console.log(`results  ${folder} (${duration(results[i]!.seconds)})`);
  if (folders.length > 1) console.log(`next     dinov2-probe compare ${folders.join(' ')} -o compare.html`);
  return folders;
}

/** `shorter side to 256, middle 224 × 224`. */
function describeView({ resize, crop }: Subject['preprocessing']): string {
  const sized = 'shortestEdge' in resize ? `shorter side to ${resize.shortestEdge} pixels` : `resized to ${resize.width} × ${resize.height} pixels`;
  return crop === undefined ? sized : `${sized}, middle ${crop.width} × ${crop.height}`;
}

function warnSharedOut(out: string): void {
  console.log(`each of the weights gets a folder of its name in ${out}`);
}

function sharedSettings({ seed, autoOrient, engine, backend }: EvaluationOptions, { preprocessing }: Subject): Result['settings'] {
  return { preprocessing: preprocessing as never, ...(autoOrient !== undefined && { autoOrient }), seed, engine, backend };
}

const measuredOf = ({ metrics, chosen, details, curves }: Findings): Measured => ({
  metrics,
  ...(chosen && { chosen }),
  ...(details && { details }),
  ...(curves && { curves }),
});
