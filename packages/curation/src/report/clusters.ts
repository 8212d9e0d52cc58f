import { join } from 'node:path';
import { type Chart, chartElement, html, type Html } from '@dinov2/app-kit';
import { entropyOf } from '../entropy';
import { runFiles } from '../plan/run-files';
import { numberAt, readColumns } from './columns';
import { count, figure } from './figure';
import type { StepResult } from '../plan/run-steps';
import type { StepDecisions } from './step-decisions';
import type { Thumbnails } from './thumbnails';

interface Cluster {
  readonly number: number;
  /** Images before, and how often its images stand in the manifest. */
  readonly before: number;
  readonly after: number;
  /** Images nearest to the middle. */
  readonly members: readonly number[];
}

const shownMembers = 8;
/** Clusters that say something of the whole. */
const enough = 12;
/** Points of a curve over clusters. */
const points = 200;

/** Clusters as pictures, and how evenly images are spread over them before and after balancing. */
export async function clusterSection(run: string, step: StepResult, balance: StepDecisions | undefined, pictures: Thumbnails): Promise<{ content: Html; charts: Chart[] }> {
  const { level, clusters } = await readClusters(run, step, balance);
  if (clusters.length === 0) return { content: html``, charts: [] };
  const middle = clusters.length >> 1;
  const groups: (readonly [string, readonly Cluster[]])[] =
    clusters.length <= 12
      ? [['All clusters', clusters]]
      : [['The largest', clusters.slice(0, 5)], ['In the middle', clusters.slice(middle - 1, middle + 2)], ['The smallest', clusters.slice(-4)]];
  const charts = [spreadChart(step, clusters, balance !== undefined)];
  const total = (side: 'before' | 'after') => clusters.reduce((sum, cluster) => sum + cluster[side], 0);
  return {
    charts,
    content: html`<section id="clusters-${step.step}"><h2>Clusters of ${step.name}</h2>
<p>${count(clusters.length)} clusters of level ${level}. Spread over them, in bits of at most ${Math.log2(clusters.length).toFixed(2)}: <b>${entropyOf(clusters.map(({ before }) => before)).toFixed(2)}</b> before${balance && html`, <b>${entropyOf(clusters.map(({ after }) => after)).toFixed(2)}</b> after balancing ${count(total('before'))} images to ${count(total('after'))}`}.</p>
<div class="charts">${charts.map(chartElement)}</div>
${await Promise.all(groups.map(async ([title, some]) => html`<h3>${title}</h3>${await Promise.all(some.map((cluster) => clusterRow(cluster, balance !== undefined, pictures)))}`))}</section>`,
  };
}

/** Of the coarsest level that has enough clusters to look at, the largest first. */
async function readClusters(run: string, step: StepResult, balance: StepDecisions | undefined): Promise<{ level: string; clusters: Cluster[] }> {
  const table = await readColumns<string>(join(run, runFiles.steps, step.step, 'clusters.parquet'));
  if (table === undefined) return { level: '', clusters: [] };
  const { id, similarity } = table.columns;
  const levels = Object.keys(table.columns).filter((name) => /^level\d+$/.test(name)).sort((a, b) => Number(b.slice(5)) - Number(a.slice(5)));
  const name = levels.find((level) => new Set(Array.from(table.columns[level]!, Number)).size >= enough) ?? levels.at(-1)!;
  const top = table.columns[name]!;
  const taken = new Map<number, number>();
  if (balance) for (let row = 0; row < balance.rows; row++) taken.set(balance.id(row), balance.times(row));
  const clusters = new Map<number, { number: number; before: number; after: number; nearest: { id: number; similarity: number }[] }>();
  for (let row = 0; row < table.rows; row++) {
    const number = numberAt(top, row);
    if (number === undefined) continue;
    const cluster = clusters.get(number) ?? { number, before: 0, after: 0, nearest: [] };
    clusters.set(number, cluster);
    const image = numberAt(id, row)!;
    cluster.before++;
    cluster.after += balance ? (taken.get(image) ?? 0) : 1;
    const near = numberAt(similarity, row) ?? 0;
    if (cluster.nearest.length === shownMembers && near <= cluster.nearest.at(-1)!.similarity) continue;
    cluster.nearest.push({ id: image, similarity: near });
    cluster.nearest.sort((a, b) => b.similarity - a.similarity || a.id - b.id);
    cluster.nearest.length = Math.min(cluster.nearest.length, shownMembers);
  }
  const ordered = [...clusters.values()].sort((a, b) => b.before - a.before || a.number - b.number);
  return { level: name.slice(5), clusters: ordered.map(({ number, before, after, nearest }) => ({ number, before, after, members: nearest.map((one) => one.id) })) };
}

async function clusterRow({ before, after, members }: Cluster, balanced: boolean, pictures: Thumbnails): Promise<Html> {
  const figures = await Promise.all(members.map(async (id) => figure(await pictures.of(id))));
  return html`<div class="group"><p>${count(before)}${balanced && html` <small>→ ${count(after)}</small>`}</p><div class="row">${figures}</div></div>`;
}

function spreadChart(step: StepResult, clusters: readonly Cluster[], balanced: boolean): Chart {
  const ranks = clusters.length <= points ? clusters.map((_, i) => i) : Array.from({ length: points }, (_, i) => Math.floor((i * clusters.length) / points));
  const series = (name: string, colour: string, sizes: readonly number[]) => {
    const total = sizes.reduce((a, b) => a + b, 0) || 1;
    return { name, colour, values: ranks.map((rank) => sizes[rank]! / total) };
  };
  return {
    id: `spread-${step.step}`,
    title: 'Share of images by cluster, the largest first',
    unit: 'cluster',
    steps: ranks.map((rank) => rank + 1),
    series: [series('before', '--c2', clusters.map(({ before }) => before)), ...(balanced ? [series('after', '--c1', clusters.map(({ after }) => after))] : [])],
    percent: true,
  };
}
