import { html, type Html, raw } from '@dinov2/app-kit';
import { count, percent } from './figure';
import type { RunResult } from '../plan/curate';
import type { StepResult } from '../plan/run-steps';
import type { RunResults } from './run-results';

const width = 1000;
const height = 230;
const bar = 14;
const shown = 6;
const colours = ['--c1', '--c2', '--c3', '--c4', '--good', '--faint'];

interface Stream {
  readonly name: string;
  /** Images at each stage. */
  readonly counts: readonly number[];
}

/** How many images each source has left after each step, as streams and as a table. */
export function funnelSection({ result, steps }: RunResults): Html {
  const stages = ['found', 'readable', ...steps.map(({ name }) => name)];
  const sources = streamsOf(result);
  const total = stages.map((_, i) => sources.reduce((sum, { counts }) => sum + counts[i]!, 0));
  const last = total.at(-1)!;
  return html`<section id="funnel"><h2>What is left after each step</h2>
<p>Height is the number of images; what fades out was dropped there.</p>
<div class="wide">${streams(stages, merged(sources), total)}</div>
<div class="wide"><table class="numbers"><tr><th>source</th>${stages.map((stage) => html`<th>${stage}</th>`)}<th>kept</th><th>share before</th><th>share after</th></tr>
${sources.map(({ name, counts }) => row(name, counts, total[1]!, last))}
${sources.length > 1 && row('all', total, total[1]!, last, 'strong')}</table></div></section>`;
}

function row(name: string, counts: readonly number[], readable: number, last: number, kind = ''): Html {
  const end = counts.at(-1)!;
  return html`<tr class="${kind}"><td>${name}</td>${counts.map((value) => html`<td>${count(value)}</td>`)}<td>${percent(end / counts[0]!)}</td><td>${percent(counts[1]! / readable)}</td><td>${percent(end / last)}</td></tr>`;
}

function streamsOf({ sources, steps }: RunResult): Stream[] {
  return sources.map(({ name, found, images, after }) => ({ name, counts: [found, images, ...steps.map((step) => after[step] ?? 0)] }));
}

/** The largest sources, and the rest as one. */
function merged(sources: readonly Stream[]): Stream[] {
  if (sources.length <= shown) return [...sources];
  const ordered = [...sources].sort((a, b) => b.counts[0]! - a.counts[0]!);
  const rest = ordered.slice(shown - 1);
  return [...ordered.slice(0, shown - 1), { name: `${rest.length} others`, counts: rest[0]!.counts.map((_, i) => rest.reduce((sum, { counts }) => sum + counts[i]!, 0)) }];
}

function streams(stages: readonly string[], sources: readonly Stream[], total: readonly number[]): Html {
  const top = 34;
  const scale = (height - 10) / Math.max(1, total[0]!);
  const gap = (width - bar) / Math.max(1, stages.length - 1);
  const bands: string[] = [];
  const labels: Html[] = [];
  stages.forEach((stage, i) => {
    const x = i * gap;
    const anchor = i === 0 ? 'start' : i === stages.length - 1 ? 'end' : 'middle';
    const at = i === 0 ? x : i === stages.length - 1 ? x + bar : x + bar / 2;
    labels.push(html`<text x="${at}" y="12" text-anchor="${anchor}" class="name">${stage}</text><text x="${at}" y="27" text-anchor="${anchor}">${count(total[i]!)}</text>`);
    let [y, next] = [top, top];
    sources.forEach(({ counts }, s) => {
      const [here, there] = [counts[i]! * scale, (counts[i + 1] ?? 0) * scale];
      const colour = `var(${colours[s % colours.length]!})`;
      bands.push(`<rect x="${n(x)}" y="${n(y)}" width="${bar}" height="${n(here)}" fill="${colour}"/>`);
      if (i + 1 < stages.length) {
        bands.push(`<path d="${band(x + bar, y, x + gap, next, there)}" fill="${colour}" opacity=".32"/>`);
        if (here > there) bands.push(`<rect x="${n(x + bar)}" y="${n(y + there)}" width="${n(0.4 * gap)}" height="${n(here - there)}" fill="url(#dropped)"/>`);
      }
      y += here;
      next += there;
    });
  });
  return html`<svg class="streams" viewBox="0 0 ${width} ${height + top}" role="img" aria-label="Images left after each step"><defs><linearGradient id="dropped"><stop offset="0" stop-color="var(--bad)" stop-opacity=".55"/><stop offset="1" stop-color="var(--bad)" stop-opacity="0"/></linearGradient></defs>${raw(bands.join(''))}${labels}</svg>
<ul class="key">${sources.map(({ name }, s) => html`<li><i style="color:var(${colours[s % colours.length]!})"></i>${name}</li>`)}<li><i style="color:var(--bad)"></i>dropped</li></ul>`;
}

const n = (value: number) => Number(value.toFixed(1));

/** A band of one thickness between two bars. */
function band(fromX: number, fromY: number, toX: number, toY: number, thickness: number): string {
  const middle = (fromX + toX) / 2;
  const [a, b] = [fromY + thickness, toY + thickness];
  return `M${n(fromX)} ${n(fromY)} C${n(middle)} ${n(fromY)} ${n(middle)} ${n(toY)} ${n(toX)} ${n(toY)} L${n(toX)} ${n(b)} C${n(middle)} ${n(b)} ${n(middle)} ${n(a)} ${n(fromX)} ${n(a)} Z`;
}

/** Why images were dropped, step by step. */
export function reasonTable(steps: readonly StepResult[]): Html {
  return html`<section><h2>Why images were dropped</h2><div class="wide"><table class="numbers"><tr><th>step</th><th>entered</th><th>kept</th><th>dropped</th><th class="chosen">reasons</th><th>seconds</th></tr>
${steps.map(
  (step) => html`<tr><td>${step.name}</td><td>${count(step.in)}</td><td>${count(step.kept)}${step.taken > step.kept && html` <small>as ${count(step.taken)}</small>`}</td><td>${count(step.dropped)}</td><td class="chosen">${Object.entries(step.reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, images]) => html`<span class="reason">${reason} <b>${count(images)}</b></span>`)}</td><td>${step.seconds.toFixed(1)}</td></tr>`,
)}</table></div></section>`;
}

/** What query sets brought in, in the columns of the paper's table of sources. */
export function queryTable({ queries }: RunResult): Html {
  if (queries.length === 0) return html``;
  return html`<section><h2>What the query sets retrieved</h2><div class="wide"><table class="numbers"><tr><th>set</th><th>images</th><th>mode</th><th>clusters</th><th>retrieved</th><th>final</th></tr>
${queries.map(({ name, images, mode, clusters, retrieved, final }) => html`<tr><td>${name}</td><td>${count(images)}</td><td>${mode}</td><td>${clusters === null ? '–' : count(clusters)}</td><td>${count(retrieved)}</td><td>${count(final)}</td></tr>`)}</table></div></section>`;
}
