import { html, type Html } from '@dinov2/app-kit';
import { figure, several } from './figure';
import type { StepResult } from '../plan/run-steps';
import type { StepDecisions } from './step-decisions';
import type { Thumbnails } from './thumbnails';

/** Pictures of each reason. */
const shown = 12;

/** Dropped images by reason, from all over the set. */
export async function dropGallery(step: StepResult, decisions: StepDecisions, pictures: Thumbnails): Promise<Html> {
  const byReason = new Map<string, number[]>();
  for (let row = 0; row < decisions.rows; row++) {
    if (decisions.keep(row)) continue;
    const rows = byReason.get(decisions.reason(row)) ?? [];
    rows.push(row);
    byReason.set(decisions.reason(row), rows);
  }
  if (byReason.size === 0) return html``;
  const reasons = [...byReason].sort(([, a], [, b]) => b.length - a.length);
  return html`<section id="drops-${step.step}"><h2>Dropped by ${step.name}</h2>${await Promise.all(
    reasons.map(async ([reason, rows]) => {
      const spread = rows.length <= shown ? rows : Array.from({ length: shown }, (_, i) => rows[Math.floor((i * rows.length) / shown)]!);
      return html`<h3>${reason} <small>${several(rows.length, 'image')}</small></h3><div class="row">${await Promise.all(
        spread.map(async (row) => {
          const picture = await pictures.of(decisions.id(row));
          return figure(picture, picture.width === undefined ? '' : `${picture.width} × ${picture.height}`);
        }),
      )}</div>`;
    }),
  )}</section>`;
}

/** Images that were too much like held-out ones, beside them. */
export async function heldOutSection(step: StepResult, decisions: StepDecisions, pictures: Thumbnails): Promise<Html> {
  const rows = Array.from({ length: decisions.rows }, (_, row) => row).filter((row) => !decisions.keep(row) && decisions.related(row) !== undefined);
  const { removedDirect, removedComponent, threshold } = step.facts as { removedDirect?: number; removedComponent?: number; threshold?: number };
  rows.sort((a, b) => (decisions.similarity(b) ?? 0) - (decisions.similarity(a) ?? 0) || a - b);
  const spread = rows.length <= shown ? rows : [...rows.slice(0, shown / 2), ...rows.slice(-shown / 2)];
  return html`<section id="held-out-${step.step}"><h2>Found in held-out sets by ${step.name}</h2>
<p>${several(step.dropped, 'image')} dropped${threshold !== undefined && html`, cosine above ${threshold.toFixed(3)}`}${removedDirect !== undefined && removedComponent !== undefined && html`: ${several(removedDirect, 'is', 'are').replace(/^/, '')} like a held-out image directly, ${removedComponent} as a part of its component`}. The most and the least similar, each beside its held-out image.</p>
<div class="pairs">${await Promise.all(
    spread.map(async (row) => {
      const [a, b] = await Promise.all([pictures.of(decisions.id(row)), pictures.of(decisions.related(row)!)]);
      return html`<div class="pair">${figure(a)}${figure(b, '', 'kept')}<p>${decisions.similarity(row)?.toFixed(3) ?? ''}</p></div>`;
    }),
  )}</div></section>`;
}
