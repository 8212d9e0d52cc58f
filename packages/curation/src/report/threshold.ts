import { join } from 'node:path';
import { type Chart, chartElement, html, type Html } from '@dinov2/app-kit';
import { runFiles, stepFiles } from '../plan/run-files';
import { type Column, numberAt, readColumns } from './columns';
import { count, figure } from './figure';
import type { Labels } from './labels';
import type { StepResult } from '../plan/run-steps';
import type { Thumbnails } from './thumbnails';

interface Pair {
  readonly from: number;
  readonly to: number;
  readonly similarity: number;
}

interface SweepRow {
  readonly threshold: number;
  readonly components: number;
  readonly removed: number;
}

/** Pairs shown on either side of the threshold. */
const shown = 6;

/** What another threshold would have removed, how right it would have been, and the pairs that it turns on. */
export async function thresholdSection(run: string, step: StepResult, pictures: Thumbnails, labels?: Labels): Promise<{ content: Html; charts: Chart[] }> {
  const { threshold, thresholdReason, separable = true, edgeRecall, method, sweep = [] } = step.facts as {
    threshold?: number;
    thresholdReason?: string;
    separable?: boolean;
    edgeRecall?: number;
    method?: string;
    sweep?: readonly SweepRow[];
  };
  const edges = await readColumns(join(run, runFiles.steps, step.step, stepFiles.edges), ['from', 'to', 'similarity']);
  if (threshold === undefined || edges === undefined) return { content: html``, charts: [] };
  const { from, to, similarity } = edges.columns;
  const pairAt = (row: number): Pair => ({ from: numberAt(from, row)!, to: numberAt(to, row)!, similarity: numberAt(similarity, row)! });
  const right = labels && ((pair: Pair) => labels.alike(pictures.path(pair.from), pictures.path(pair.to)));

  const charts = sweep.length < 2 ? [] : [removedChart(step, sweep)];
  if (right !== undefined) charts.push(precisionChart(step, sweep, similarity, edges.rows, (row) => right(pairAt(row))));
  const above = nearest(similarity, edges.rows, threshold, true).map(pairAt);
  const below = nearest(similarity, edges.rows, threshold, false).map(pairAt);
  const show = async (pair: Pair) => {
    const [a, b] = await Promise.all([pictures.of(pair.from), pictures.of(pair.to)]);
    const verdict = right === undefined ? '' : right(pair) ? ' · copies' : ' · different';
    return html`<div class="pair">${figure(a)}${figure(b)}<p>${pair.similarity.toFixed(3)}${verdict}</p></div>`;
  };
  return {
    charts,
    content: html`<section id="threshold-${step.step}"><h2>The threshold of ${step.name}</h2>
<p>Cosine above <b>${threshold}</b>${thresholdReason !== undefined && separable && html` (${thresholdReason})`}, ${count(edges.rows)} pairs on record${method !== undefined && html`, joined by ${method}`}${edgeRecall !== undefined && html` with an edge recall of ${edgeRecall.toFixed(3)}`}.</p>
${!separable && html`<p class="warning"><b>Threshold</b> ${thresholdReason}</p>`}
<div class="charts">${charts.map(chartElement)}</div>
${above.length > 0 && html`<h3>Just above: taken for duplicates</h3><div class="pairs">${await Promise.all(above.map(show))}</div>`}
${below.length > 0 && html`<h3>Just below: told apart</h3><div class="pairs">${await Promise.all(below.map(show))}</div>`}</section>`,
  };
}

const hundredths = (value: number) => Number((100 * value).toFixed(4));

function removedChart(step: StepResult, sweep: readonly SweepRow[]): Chart {
  return {
    id: `removed-${step.step}`,
    title: 'Images removed',
    unit: 'cosine × 100 over',
    steps: sweep.map(({ threshold }) => hundredths(threshold)),
    series: [{ name: `of ${count(step.in)}`, colour: '--c2', values: sweep.map(({ removed }) => removed / step.in) }],
    percent: true,
  };
}

/** Share of right pairs above each threshold. */
function precisionChart(step: StepResult, sweep: readonly SweepRow[], similarity: Column, rows: number, right: (row: number) => boolean | undefined): Chart {
  const thresholds = sweep.map(({ threshold }) => threshold);
  const pairs = new Float64Array(thresholds.length);
  const hits = new Float64Array(thresholds.length);
  for (let row = 0; row < rows; row++) {
    const same = right(row);
    if (same === undefined) continue;
    thresholds.forEach((threshold, i) => {
      if (!(numberAt(similarity, row)! > threshold)) return;
      pairs[i]!++;
      if (same) hits[i]!++;
    });
  }
  return {
    id: `precision-${step.step}`,
    title: 'Pairs that are copies by the labels',
    unit: 'cosine × 100 over',
    steps: thresholds.map(hundredths),
    series: [{ name: 'precision', colour: '--c3', values: thresholds.map((_, i) => (pairs[i]! === 0 ? null : hits[i]! / pairs[i]!)) }],
    percent: true,
    range: [0, 1.02],
  };
}

/** Rows of the pairs nearest to a threshold on one side, nearest first. */
function nearest(similarity: Column, rows: number, threshold: number, above: boolean): number[] {
  const best: number[] = [];
  const gap = (row: number) => Math.abs(numberAt(similarity, row)! - threshold);
  for (let row = 0; row < rows; row++) {
    if (numberAt(similarity, row)! > threshold !== above) continue;
    if (best.length === shown && gap(row) >= gap(best.at(-1)!)) continue;
    best.push(row);
    best.sort((a, b) => gap(a) - gap(b));
    best.length = Math.min(best.length, shown);
  }
  return best;
}
