import { type Chart, chartElement, html, type Html, renderPage } from '@dinov2/app-kit';
import { formatMetric, isShare, lessIsBetter } from '../results/metric';
import type { Result } from '../results/schema';
import { curveCharts } from './curve-charts';
import { classDifferences } from './class-differences';
import { metricCharts } from './metric-charts';
import { type Row, rowsOf } from './rows';
import { settingDifferences, settingTables } from './settings-tables';
import { style } from './style';

/** Results side by side: metrics, charts, classes, settings; of one result its gallery too. One file that loads nothing. */
export function comparisonPage(results: readonly Result[], gallery?: Html): string {
  const rows = rowsOf(results);
  const bars = metricCharts(rows);
  const curves = curveCharts(results);
  const commands = [...new Set(results.map(({ command }) => command))].join(', ');
  const title = results.length === 1 ? `${commands} of ${results[0]!.name}` : `${commands}: ${results.length} results`;
  const content = html`<header>
<p class="eyebrow">dinov2-probe · ${commands}</p>
<h1>${title}</h1>
<p class="lede">${lede(results)}</p>
</header>
<section><h2>Results</h2>${rows.length > 1 && html`<p>The best of each column stands out.${rows.some(({ baseline }) => baseline) && ' Baselines are the same network at random, and pixels in place of features.'}</p>`}
${metricsTable(rows)}
<div class="charts" style="margin-top: 28px">${bars.map(chartElement)}</div></section>
${gallery}
${curves.length > 0 && section('Curves', 'Point at a curve for its values, drag to look closer, double-click to go back.', html`<div class="charts">${curves.map(chartElement)}</div>`)}
${classDifferences(results)}
${settingDifferences(results)}
<section><h2>Settings</h2><div class="settings">${results.map((result) => settingTables(result, results.length > 1))}</div></section>
<footer>Charts by uPlot. Nothing on this page is loaded from elsewhere.</footer>`;
  return renderPage({ title: `${title} · dinov2-probe`, content, charts: [...bars, ...curves] satisfies Chart[], style });
}

const section = (title: string, text: string, body: Html): Html => html`<section><h2>${title}</h2><p>${text}</p>${body}</section>`;

function lede(results: readonly Result[]): Html {
  const [first] = results;
  const metric = Object.keys(first!.metrics)[0];
  if (metric === undefined) return html``;
  const best = results.reduce((a, b) => (better(metric, b.metrics[metric], a.metrics[metric]) ? b : a));
  const against = Object.entries(best.baselines ?? {}).map(([name, { metrics }]) => html`, with ${name} <b>${formatMetric(metric, metrics[metric])}</b>`);
  return html`${metric}: <b>${formatMetric(metric, best.metrics[metric])}</b> with ${best.name}${against}.`;
}

function better(metric: string, a: number | null | undefined, b: number | null | undefined): boolean {
  if (a === null || a === undefined) return false;
  if (b === null || b === undefined) return true;
  return lessIsBetter(metric) ? a < b : a > b;
}

function metricsTable(rows: readonly Row[]): Html {
  const names = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))];
  const best = (name: string) => rows.reduce<number | null | undefined>((a, { metrics }) => (better(name, metrics[name], a) ? metrics[name] : a), null);
  const bests = new Map(names.map((name) => [name, best(name)]));
  const chosen = rows.some((row) => row.chosen !== undefined);
  return html`<div class="wide"><table class="numbers" id="metrics"><tr><th></th>${names.map((name) => html`<th>${name}</th>`)}${chosen && html`<th>chosen</th>`}</tr>
${rows.map(
    (row) => html`<tr class="${row.baseline ? 'baseline' : 'strong'}"><td>${row.name}</td>${names.map((name) => {
      const value = row.metrics[name];
      const isBest = rows.length > 1 && value !== undefined && value === bests.get(name) && ranked(name);
      return html`<td class="${isBest ? 'best' : ''}">${formatMetric(name, value)}</td>`;
    })}${chosen && html`<td class="chosen">${Object.entries(row.chosen ?? {}).map(([key, value], i) => `${i > 0 ? ', ' : ''}${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)}</td>`}</tr>`,
  )}</table></div>`;
}

/** Whether more or less of a metric is better; of the others, such as a rank, neither is. */
const ranked = (name: string): boolean => isShare(name) || lessIsBetter(name);
