import { type Chart, chartElement, html, type Html } from '@dinov2/app-kit';
import { count, figure, several } from './figure';
import type { StepResult } from '../plan/run-steps';
import type { StepDecisions } from './step-decisions';
import type { Thumbnails } from './thumbnails';

/** Images that were found to show one picture. */
interface Group {
  readonly component: number;
  /** Rows of the decisions; what was kept comes first. */
  readonly rows: readonly number[];
  /** Least similarity of a member to what it was dropped for, 1 where the files are equal. */
  readonly weakest: number;
}

/** Members of a group that are shown. */
const shown = 9;
const classes = [
  { name: '2', from: 2, to: 2 },
  { name: '3–4', from: 3, to: 4 },
  { name: '5–9', from: 5, to: 9 },
  { name: '10–99', from: 10, to: 99 },
  { name: '100 and more', from: 100, to: Infinity },
] as const;

/** Groups of duplicates as pictures: the largest, and of each size those that hang together least. */
export async function groupSection(step: StepResult, decisions: StepDecisions, pictures: Thumbnails): Promise<{ content: Html; charts: Chart[] }> {
  const groups = groupsOf(decisions);
  if (groups.length === 0) return { content: html``, charts: [] };
  const largest = groups.slice(0, 6);
  const others = classes.flatMap(({ from, to }) =>
    groups.slice(6).filter(({ rows }) => rows.length >= from && rows.length <= to).sort((a, b) => a.weakest - b.weakest || a.component - b.component).slice(0, 3),
  );
  const sizes: Chart = {
    id: `sizes-${step.step}`,
    title: 'Groups by number of images',
    steps: classes.map((_, i) => i),
    labels: classes.map(({ name }) => name),
    series: [{ name: 'groups', colour: '--c1', values: classes.map(({ from, to }) => groups.filter(({ rows }) => rows.length >= from && rows.length <= to).length) }],
  };
  const dropped = groups.reduce((sum, { rows }) => sum + rows.filter((row) => !decisions.keep(row)).length, 0);
  const show = (group: Group) => groupRow(group, decisions, pictures);
  return {
    charts: [sizes],
    content: html`<section id="groups-${step.step}"><h2>Duplicates found by ${step.name}</h2>
<p>${several(groups.length, 'group')} with ${count(dropped)} images too many. The framed picture of a group is the one that was kept.</p>
<div class="charts">${chartElement(sizes)}</div>
<h3>The largest</h3>${await Promise.all(largest.map(show))}
${others.length > 0 && html`<h3>Those that hang together least, by size</h3><div class="small">${await Promise.all(others.filter(({ rows }) => rows.length <= 4).map(show))}</div>${await Promise.all(others.filter(({ rows }) => rows.length > 4).map(show))}`}</section>`,
  };
}

function groupsOf(decisions: StepDecisions): Group[] {
  const members = new Map<number, number[]>();
  for (let row = 0; row < decisions.rows; row++) {
    const component = decisions.component(row);
    if (component === undefined) continue;
    const rows = members.get(component);
    if (rows === undefined) members.set(component, [row]);
    else rows.push(row);
  }
  return [...members]
    .filter(([, rows]) => rows.length > 1)
    .map(([component, rows]): Group => ({
      component,
      rows: rows.sort((a, b) => Number(decisions.keep(b)) - Number(decisions.keep(a)) || a - b),
      weakest: Math.min(1, ...rows.slice(0, 10_000).map((row) => decisions.similarity(row) ?? 1)),
    }))
    .sort((a, b) => b.rows.length - a.rows.length || a.component - b.component);
}

async function groupRow({ rows, weakest }: Group, decisions: StepDecisions, pictures: Thumbnails): Promise<Html> {
  // Of a large group, members from all over it, the least similar among them.
  const rest = rows.slice(1);
  const spread = rest.length < shown ? rest : Array.from({ length: shown - 1 }, (_, i) => rest[Math.floor((i * rest.length) / (shown - 1))]!);
  const figures = await Promise.all([rows[0]!, ...spread].map(async (row) => {
    const similarity = decisions.similarity(row);
    const kept = decisions.keep(row);
    return figure(await pictures.of(decisions.id(row)), kept ? 'kept' : similarity === undefined ? 'same' : similarity.toFixed(2), kept ? 'kept' : '');
  }));
  return html`<div class="group"><p>${count(rows.length)} <small>images${weakest < 1 && html`<br>from ${weakest.toFixed(2)}`}</small></p><div class="row">${figures}</div></div>`;
}
