import { type Chart, chartElement, html, type Html } from '@dinov2/app-kit';
import { entropyOf } from '../entropy';
import type { Labels } from './labels';
import type { StepDecisions } from './step-decisions';
import type { Thumbnails } from './thumbnails';

/** How evenly labelled images are spread over what they show, before the first step and after the last. */
export function conceptSection(first: StepDecisions, last: StepDecisions, pictures: Thumbnails, labels: Labels): { content: Html; charts: Chart[] } {
  const tally = (decisions: StepDecisions, weight: (row: number) => number) => {
    const counts = new Map<string, number>();
    for (let row = 0; row < decisions.rows; row++) {
      const concept = labels.concept(pictures.path(decisions.id(row)));
      if (concept !== undefined) counts.set(concept, (counts.get(concept) ?? 0) + weight(row));
    }
    return counts;
  };
  const before = tally(first, () => 1);
  const after = tally(last, (row) => last.times(row));
  if (before.size < 2) return { content: html``, charts: [] };
  const names = [...before.keys()].sort((a, b) => before.get(b)! - before.get(a)! || (a < b ? -1 : 1));
  const shares = (counts: ReadonlyMap<string, number>) => {
    const total = [...counts.values()].reduce((a, b) => a + b, 0) || 1;
    return names.map((name) => (counts.get(name) ?? 0) / total);
  };
  const chart: Chart = {
    id: 'concepts',
    title: 'Share of images by concept, the most frequent first',
    unit: 'concept',
    steps: names.map((_, i) => i + 1),
    series: [
      { name: 'before', colour: '--c2', values: shares(before) },
      { name: 'after', colour: '--c1', values: shares(after) },
    ],
    percent: true,
  };
  return {
    charts: [chart],
    content: html`<section id="by-label"><h2>Spread over concepts, by the labels</h2>
<p>In bits of at most ${Math.log2(names.length).toFixed(2)}: <b>${entropyOf([...before.values()]).toFixed(2)}</b> before, <b>${entropyOf([...after.values()]).toFixed(2)}</b> after.</p>
<div class="charts">${chartElement(chart)}</div></section>`,
  };
}
