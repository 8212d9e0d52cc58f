import { type Chart, chartElement, html, type Html, type PlotLibrary, renderPage } from '@dinov2/app-kit';
import { describeFall, type Fall } from '../evaluate/fall';
import type { FeatureSpread } from '../evaluate/feature-spread';
import type { KnnScores } from '../evaluate/knn-evaluation';
import type { NeighbourRow } from './neighbour-gallery';
import type { PatchPicture } from './patch-pictures';
import { style } from './style';

/** What the features were like after some iterations. */
export interface EvaluationPoint {
  readonly iteration: number;
  readonly knn: KnnScores;
  /** Absent in runs of older versions. */
  readonly spread?: FeatureSpread;
}

/** All that the report shows. */
export interface Report {
  readonly name: string;
  /** e.g. `ViT-Ti/14` */
  readonly model: string;
  readonly facts: readonly { readonly name: string; readonly value: string; readonly unit?: string }[];
  readonly iterations: number;
  readonly images: number;
  readonly minutes: number;
  /** k of the headline. */
  readonly k: number;
  readonly evaluations: readonly EvaluationPoint[];
  readonly rawPixels?: KnnScores;
  /** Of the network at random, where the run began with weights. */
  readonly randomWeights?: KnnScores;
  /** What the run began with, for captions. */
  readonly start: 'random weights' | 'loaded weights';
  /** Where those come from. */
  readonly startedFrom?: string;
  /** Features that became clearly worse than those of the start. */
  readonly fall?: Fall;
  readonly heldoutImages?: number;
  readonly classes?: number;
  readonly charts: readonly Chart[];
  readonly pictures: readonly PatchPicture[];
  readonly picturesNote: string;
  readonly neighbours: readonly NeighbourRow[];
  /** Titled tables of names and values. */
  readonly settings: readonly { readonly title: string; readonly rows: readonly (readonly [string, string])[] }[];
  readonly command: string;
}

/** A page that needs nothing beside itself. */
export function reportPage(report: Report, plots: PlotLibrary): string {
  const accuracy = accuracyChart(report);
  const charts = [...(accuracy === undefined ? [] : [accuracy]), ...report.charts];
  const content = html`<header>
<p class="eyebrow">dinov2-pretrain · ${report.model}</p>
<h1>${report.name}</h1>
<p class="lede">${verdict(report)}</p>
${report.fall === undefined ? '' : warning(report, report.fall)}
<dl class="facts">${report.facts.map(({ name, value, unit }) => html`<div><dt>${name}</dt><dd>${value}${unit === undefined ? '' : html` <small>${unit}</small>`}</dd></div>`)}</dl>
</header>
${accuracy === undefined ? '' : accuracySection(report, accuracy)}
${report.pictures.length === 0 ? '' : patchSection(report)}
${report.neighbours.length === 0 ? '' : neighbourSection(report)}
${report.charts.length === 0 ? '' : html`<section><h2>Training</h2><p>Every logged step. Point at a curve for its values, drag to look closer, double-click to go back.</p>
<div class="charts">${report.charts.map(chartElement)}</div></section>`}
<section><h2>Settings</h2><p>To run it again: <code>${report.command}</code></p>
<div class="settings">${report.settings.map(
    ({ title, rows }) => html`<table><caption>${title}</caption>${rows.map(([name, value]) => html`<tr><td>${name}</td><td>${value}</td></tr>`)}</table>`,
  )}</div></section>
<footer>Charts by uPlot. Nothing on this page is loaded from elsewhere.</footer>`;
  return renderPage({ title: `${report.name} · dinov2-pretrain`, content, charts, style, plots });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function verdict(report: Report): Html {
  const { iterations, images, minutes, k, evaluations, rawPixels, randomWeights, startedFrom, heldoutImages, classes } = report;
  const beginning = startedFrom === undefined ? '' : html` from the weights of <b>${startedFrom}</b>`;
  const trained = html`Trained${beginning} for <b>${iterations.toLocaleString('en')} steps</b> on ${images.toLocaleString('en')} views of unlabelled pictures${minutes > 0 ? html`, ${duration(minutes)}` : ''}.`;
  const first = evaluations[0];
  const last = evaluations.at(-1);
  if (first === undefined || last === undefined) return trained;
  return html`${trained} A vote of the ${k} nearest training pictures then names <b>${percent(last.knn[k]!)}</b> of the ${heldoutImages ?? 0} held-out
pictures (${classes ?? 0} labels). ${startedFrom === undefined ? 'With the same network at random' : 'Before training'} it was <b>${percent(first.knn[k]!)}</b>${
    randomWeights === undefined ? '' : html`, with the same network at random <b>${percent(randomWeights[k]!)}</b>`
  }${rawPixels === undefined ? '' : html`, with raw pixels <b>${percent(rawPixels[k]!)}</b>`}.`;
}

/** Says when features became worse, how it ended, and by what rule. */
function warning({ evaluations, k, iterations }: Report, fall: Fall): Html {
  const last = evaluations.at(-1)!;
  const end = fall.iteration === last.iteration ? '' : ` At the end, after ${iterations.toLocaleString('en')} steps, it was ${percent(last.knn[k]!)}.`;
  return html`<p class="warning"><b>Warning.</b> ${describeFall(fall)}${end} <small>Clearly below means by more than two standard errors of an accuracy over the held-out pictures, and a point at least.</small></p>`;
}

function duration(minutes: number): string {
  if (minutes < 1) return `${Math.round(minutes * 60)} seconds`;
  if (minutes < 90) return `${minutes.toFixed(1)} minutes`;
  return `${(minutes / 60).toFixed(1)} hours`;
}

function accuracyChart({ evaluations, rawPixels, randomWeights, start, k }: Report): Chart | undefined {
  if (evaluations.length === 0) return undefined;
  const constant = (value: number) => evaluations.map(() => value);
  return {
    id: 'accuracy',
    title: `Held-out pictures named right, k = ${k}`,
    steps: evaluations.map((e) => e.iteration),
    height: 270,
    percent: true,
    range: [0, 1],
    series: [
      { name: 'class token', colour: '--c1', values: evaluations.map((e) => e.knn[k]!), points: true },
      { name: start, colour: '--c2', values: constant(evaluations[0]!.knn[k]!), dash: true },
      ...(randomWeights === undefined ? [] : [{ name: 'random weights', colour: '--c3', values: constant(randomWeights[k]!), dash: true }]),
      ...(rawPixels === undefined ? [] : [{ name: 'raw pixels', colour: '--faint', values: constant(rawPixels[k]!), dash: true }]),
    ],
  };
}

function accuracySection(report: Report, chart: Chart): Html {
  const { evaluations, rawPixels, randomWeights, start } = report;
  const ks = Object.keys(evaluations[0]!.knn).sort((a, b) => Number(a) - Number(b));
  const row = (name: string, scores: KnnScores, strong = false) =>
    html`<tr class="${strong ? 'strong' : ''}"><td>${name}</td>${ks.map((k) => html`<td>${percent(scores[k]!)}</td>`)}</tr>`;
  return html`<section><h2>What the features know</h2>
<p>Labels are never shown to the network. Each held-out picture takes the label that its nearest training pictures vote for, by cosine between class tokens of the teacher.</p>
<div class="split">${chartElement(chart)}
<table class="numbers"><tr><th>k</th>${ks.map((k) => html`<th>${k}</th>`)}</tr>
${rawPixels === undefined ? '' : row('raw pixels', rawPixels)}
${randomWeights === undefined ? '' : row('random weights', randomWeights)}
${row(start, evaluations[0]!.knn)}
${evaluations.length > 1 ? row('trained', evaluations.at(-1)!.knn, true) : ''}</table></div></section>`;
}

function patchSection({ pictures, picturesNote, start }: Report): Html {
  const heads = html`<div class="strip heads"><span>picture</span><span>${start}</span><span>trained</span><span>attention</span></div>`;
  return html`<section><h2>What the patches look like</h2>
<p>The three strongest principal components of all patch features as red, green and blue: patches of one colour mean the same to the network. On the right, where the class token looks in the last block. ${picturesNote}</p>
<div class="pictures">${pictures.map(
    (picture, i) => html`<div>${i < 2 ? heads : ''}<div class="strip" title="${picture.name}">
<figure><img src="${picture.photograph}" alt="${picture.name}"></figure>
<figure><img class="patches" src="${picture.before}" alt="patch features, ${start}"></figure>
<figure><img class="patches" src="${picture.after}" alt="patch features, trained"></figure>
<figure><img class="patches" src="${picture.attention}" alt="attention of the class token"></figure></div></div>`,
  )}</div></section>`;
}

function neighbourSection({ neighbours: rows, start }: Report): Html {
  const set = (label: string, neighbours: NeighbourRow['after'], side: string) =>
    html`<div class="set ${side}">${neighbours.map(
      (n) => html`<figure class="${n.label === label ? 'right' : 'wrong'}" title="cosine ${n.similarity.toFixed(3)}"><img src="${n.image}" alt="${n.label}"><figcaption>${n.label}</figcaption></figure>`,
    )}</div>`;
  return html`<section><h2>Nearest neighbours</h2>
<p>A held-out picture and the training pictures nearest to it. A green frame marks the same label.</p>
<div class="neighbours"><div class="row heads"><span>held out</span><span class="before">${start}</span><span>trained</span></div>
${rows.map((row) => html`<div class="row"><figure><img src="${row.image}" alt="${row.label}"><figcaption>${row.label}</figcaption></figure>
${set(row.label, row.before, 'before')}${set(row.label, row.after, 'after')}</div>`)}</div></section>`;
}
