import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { bytes, type Chart, duration, html, type Html, renderPage } from '@dinov2/app-kit';
import { atomicWrite } from '@dinov2/weights';
import { runFiles } from '../plan/run-files';
import { clusterSection } from './clusters';
import { conceptSection } from './concepts';
import { dropGallery, heldOutSection } from './drops';
import { groupSection } from './duplicate-groups';
import { failedSection } from './failed';
import { count, percent } from './figure';
import { funnelSection, queryTable, reasonTable } from './funnel';
import { readLabels } from './labels';
import { type RunResults, readRunResults } from './run-results';
import { type StepDecisions, readDecisions } from './step-decisions';
import { style } from './style';
import { thresholdSection } from './threshold';
import { Thumbnails } from './thumbnails';

export interface ReportOptions {
  /** CSV file with `path`, `group` and perhaps `concept` of images, by which pairs and balance are judged. */
  readonly labels?: string;
  /** Pictures on the page, 2 to 3 KB each; 700 by default. */
  readonly pictures?: number;
}

/**
 * Write `report.html` of a finished run: what was kept and dropped at each step and why, with duplicate groups, pairs
 * about the threshold and clusters as pictures. One file that loads nothing; it is made of the files of the run
 * folder, and of the images themselves where they are still there.
 *
 * @returns the page's path.
 * @throws CurationError when the run is not finished, or the labels lack a column.
 */
export async function writeReport(runFolder: string, { labels: labelsFile, pictures: limit = 700 }: ReportOptions = {}): Promise<string> {
  const run = readRunResults(runFolder);
  const pictures = await Thumbnails.open(runFolder, limit);
  const labels = labelsFile === undefined ? undefined : await readLabels(labelsFile);
  const sections: Html[] = [funnelSection(run), reasonTable(run.steps), queryTable(run.result)];
  const charts: Chart[] = [];
  const add = (part: { content: Html; charts: Chart[] }) => {
    sections.push(part.content);
    charts.push(...part.charts);
  };

  const balance = run.steps.find(({ kind }) => kind === 'balance');
  let first: StepDecisions | undefined;
  let last: StepDecisions | undefined;
  for (const step of run.steps) {
    const decisions = await readDecisions(runFolder, step.step);
    if (decisions === undefined) continue;
    first ??= decisions;
    last = decisions;
    if (step.kind === 'filter') sections.push(await dropGallery(step, decisions, pictures));
    if (step.kind === 'exact' || step.kind === 'selfDeduplicate') add(await groupSection(step, decisions, pictures));
    if (step.kind === 'selfDeduplicate') add(await thresholdSection(runFolder, step, pictures, labels));
    if (step.kind === 'relativeDeduplicate') sections.push(await heldOutSection(step, decisions, pictures));
    if (step.kind === 'retrieve') sections.push(await dropGallery(step, decisions, pictures));
    if (step.kind === 'cluster') add(await clusterSection(runFolder, step, balance && (await readDecisions(runFolder, balance.step)), pictures));
  }
  if (labels !== undefined && first !== undefined) add(conceptSection(first, last!, pictures, labels));
  sections.push(await failedSection(run), await settingsSection(runFolder));

  const name = basename(resolve(runFolder));
  const page = renderPage({ title: `${name} · dinov2-curate`, content: html`${header(name, run)}${sections}<footer>Charts by uPlot. Nothing on this page is loaded from elsewhere.</footer>`, charts, style });
  const path = join(runFolder, runFiles.report);
  await atomicWrite(path, async (file) => file.writeFile(page));
  return path;
}

function header(name: string, { result, steps }: RunResults): Html {
  const sum = (key: 'found' | 'images' | 'final' | 'unreadable') => result.sources.reduce((total, source) => total + source[key], 0);
  const [found, images] = [sum('found'), sum('images')];
  const droppedBy = (...kinds: readonly string[]) => steps.filter(({ kind }) => kinds.includes(kind)).reduce((total, { dropped }) => total + dropped, 0);
  const duplicates = droppedBy('exact', 'selfDeduplicate');
  const seconds = steps.reduce((total, step) => total + step.seconds, 0);
  const facts: readonly (readonly [string, string, string])[] = [
    ['Found', count(found), `in ${result.sources.length === 1 ? '1 source' : `${result.sources.length} sources`}`],
    ['Unreadable', count(sum('unreadable')), ''],
    ['Filtered', count(droppedBy('filter')), percent(droppedBy('filter') / images)],
    ['Duplicates', count(duplicates), percent(duplicates / images)],
    ...(steps.some(({ kind }) => kind === 'relativeDeduplicate') ? [['In held-out sets', count(droppedBy('relativeDeduplicate')), ''] as const] : []),
    ['Manifest', count(result.manifest.images), result.manifest.rows > result.manifest.images ? `as ${count(result.manifest.rows)} lines` : percent(result.manifest.images / images)],
  ];
  const { embedding } = result;
  return html`<header><p class="eyebrow">dinov2-curate · ${embedding.name}, ${embedding.columns} columns of ${embedding.precision}</p><h1>${name}</h1>
<p class="lede">Of <b>${count(found)}</b> images found, <b>${count(result.manifest.images)}</b> are in the manifest, after ${steps.length === 1 ? '1 step' : `${steps.length} steps`} of ${duration(seconds)} in all.</p>
${embedding.warning !== undefined && html`<p class="warning"><b>Embeddings</b> ${embedding.warning}</p>`}
<dl class="facts">${facts.map(([title, value, more]) => html`<div><dt>${title}</dt><dd>${value} <small>${more}</small></dd></div>`)}</dl></header>`;
}

async function settingsSection(run: string): Promise<Html> {
  const plan = await readFile(join(run, 'plan.yaml'), 'utf8').catch(() => '');
  return html`<section><h2>Plan</h2><details><summary>plan.yaml, ${bytes(plan.length)}, with every default</summary><pre>${plan}</pre></details></section>`;
}
