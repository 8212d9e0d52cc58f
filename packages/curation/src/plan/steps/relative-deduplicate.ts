import { join } from 'node:path';
import { noRow, relativeDeduplicate as deduplicate } from '../../duplicates/relative-deduplicate';
import { drop, keepAll } from '../decisions';
import { numbersOf } from '../image-table';
import { stepFiles } from '../run-files';
import type { StepRunner } from '../step';
import { chooseThreshold } from './choose-threshold';
import { writeEdgeTable } from './join-edges';
import { joinInParts } from './join-in-parts';
import { floorOf } from './swept-thresholds';

/** Held-out images that are looked up for each image of the pool: one is enough to drop it. */
const REFERENCES = 4;

/** Drop what resembles held-out sets: what hangs together with them, or what is itself near them (A.3). */
export const relativeDeduplicate: StepRunner<'relativeDeduplicate'> = async (work) => {
  const { settings, images, ids, times, vectors, folder, say } = work;
  const decisions = keepAll(ids, times, 'kept');
  const held = numbersOf(images.sets, ({ role, name }) => role === 'heldOut' && (settings.against?.includes(name) ?? true));
  if (ids.length === 0 || held.length === 0) return { decisions, facts: {} };
  const chosen = await chooseThreshold(work, 'relative');
  const { threshold } = chosen;
  const [pool, references] = [vectors(ids), vectors(held)];
  const { k, method, recall, mode } = settings;
  const between = await joinInParts(pool, references, { ...work, name: 'between', k: Math.min(REFERENCES, held.length), method, recall, floor: floorOf(threshold) });
  const within = await joinInParts(pool, pool, { ...work, name: 'within', k, method, recall, floor: threshold });
  if (between === undefined || within === undefined) return undefined;
  await writeEdgeTable(join(folder, stepFiles.edges), between.edges(), ids, held);

  const { keep, reference, similarity, component, counts } = await deduplicate(
    { pool: ids.length, references: held.length, between: between.edges(), within: within.edges() },
    { threshold, mode },
  );
  for (let row = 0; row < ids.length; row++) {
    if (reference[row] !== noRow) {
      decisions.related[row] = held[reference[row]!]!;
      decisions.similarity[row] = similarity[row]!;
    }
    if (keep[row] === 1) continue;
    drop(decisions, row, 'heldOut');
    decisions.component[row] = ids[component[row]!]!;
  }
  const linked = counts.component ?? 0;
  if (mode === 'component' && linked > 2 * counts.direct && linked > 0.2 * ids.length) {
    say(`  ${linked} images hang together with held-out ones, ${counts.direct} are near one themselves; \`mode: direct\` drops the latter alone`);
  }
  return { decisions, facts: { ...chosen, ...between.facts, ...counts, within: within.facts, removedDirect: counts.direct, removedComponent: linked } };
};
