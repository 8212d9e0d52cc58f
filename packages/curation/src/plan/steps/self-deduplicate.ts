import { join } from 'node:path';
import { selfDeduplicate as deduplicate } from '../../duplicates/self-deduplicate';
import { sweepThresholds } from '../../duplicates/sweep-thresholds';
import { drop, keepAll, reasonCode } from '../decisions';
import { stepFiles } from '../run-files';
import type { StepRunner } from '../step';
import { chooseThreshold } from './choose-threshold';
import { floorOf, sweptThresholds } from './swept-thresholds';
import { writeEdgeTable } from './join-edges';
import { joinInParts } from './join-in-parts';
import { keepFacts, policiesOf } from './keep-facts';

/** Keep one of each group of near copies: k nearest neighbours, edges above a threshold, connected components (A.3). */
export const selfDeduplicate: StepRunner<'selfDeduplicate'> = async (work) => {
  const { settings, ids, times, vectors, folder, say } = work;
  const decisions = keepAll(ids, times, 'unique');
  if (ids.length < 2) return { decisions, facts: {} };
  const chosen = await chooseThreshold(work, 'self');
  const { threshold } = chosen;
  const pool = vectors(ids);
  const { k, method, recall } = settings;
  const found = await joinInParts(pool, pool, { ...work, name: 'within', k, method, recall, floor: floorOf(threshold) });
  if (found === undefined) return undefined;
  if (found.facts.method === 'ivf') say(`  ${(100 * found.facts.edgeRecall).toFixed(1)} % of the pairs above ${floorOf(threshold).toFixed(2)} were found, by a sample of ${found.facts.sampledEdges}`);
  await writeEdgeTable(join(folder, stepFiles.edges), found.edges(), ids);

  const policies = policiesOf(settings.keep);
  const { component, representative, keep, similarity, counts, sizes, largest, raised } = await deduplicate(ids.length, found.edges(), {
    threshold,
    keep: policies,
    ...(settings.maximumSize !== null && { maximumSize: settings.maximumSize }),
    ...(await keepFacts(work, policies)),
    vectors: pool,
  });
  const alone = new Uint8Array(ids.length).fill(1);
  component.forEach((label, row) => {
    if (label !== row) alone[row] = alone[label] = 0;
  });
  const stays = reasonCode(decisions, 'representative');
  for (let row = 0; row < ids.length; row++) {
    if (alone[row] === 1) continue;
    decisions.component[row] = ids[component[row]!]!;
    if (keep[row] === 1) {
      decisions.reasons[row] = stays;
      continue;
    }
    drop(decisions, row, 'duplicate');
    decisions.related[row] = ids[representative[row]!]!;
    decisions.similarity[row] = similarity[row]!;
  }
  const swept = await sweepThresholds(ids.length, found.edges(), sweptThresholds(threshold));
  const named = <P extends { readonly from: number; readonly to: number; readonly similarity: number }>(pair: P) => ({ from: ids[pair.from]!, to: ids[pair.to]!, similarity: pair.similarity });
  return {
    decisions,
    facts: {
      ...chosen,
      ...found.facts,
      ...counts,
      sizes: Object.fromEntries(sizes.map(({ size, components }) => [size, components])),
      largest: sizes.at(-1)?.size ?? 0,
      weakest: weakestOf(largest.flatMap(({ weakestPair }) => (weakestPair === undefined ? [] : [named(weakestPair)]))),
      components: counts.components,
      largestComponents: largest.slice(0, 20).map(({ component, representative, size, weakestLink, weakestPair }) => ({
        component: ids[component]!, representative: ids[representative]!, size, weakestLink: named(weakestLink), ...(weakestPair && { weakestPair: named(weakestPair) }),
      })),
      raised: raised.slice(0, 100).map(({ component, ...rest }) => ({ component: ids[component]!, ...rest })),
      sweep: swept.map(({ pairs, removable, ...row }) => ({ ...row, removed: removable, pairs: pairs.map(named) })),
    },
  };
};

function weakestOf<P extends { readonly similarity: number }>(pairs: readonly P[]): P | undefined {
  return pairs.reduce<P | undefined>((least, pair) => (least === undefined || pair.similarity < least.similarity ? pair : least), undefined);
}
