import { join } from 'node:path';
import { sampleBalanced } from '../../sampling/sample-balanced';
import { readTable } from '../../tables';
import { drop, keepAll } from '../decisions';
import type { StepRunner } from '../step';
import { clusterFiles } from './cluster';
import { entropyOf } from '../../entropy';
import { ofRows, readLevels } from './read-levels';

/** Sample evenly over the clusters of the step before, from the coarsest level down (Vo et al. 2024). */
export const balance: StepRunner<'balance'> = async ({ settings, ids, before, seed, say }) => {
  const decisions = keepAll(ids, new Uint16Array(ids.length).fill(1), 'sampled');
  if (ids.length === 0) return { decisions, facts: {} };
  const { folder } = before.findLast(({ kind }) => kind === 'cluster')!;
  const clustered = (await readTable(join(folder, clusterFiles.clusters), ['id'])).columns['id'] as Uint32Array;
  const hierarchy = ofRows(await readLevels(join(folder, clusterFiles.levels)), rowsOf(ids, clustered));
  const finest = hierarchy.levels[0]!;
  decisions.component.set(finest.clusters);

  const asked = settings.images <= 1 ? Math.round(settings.images * ids.length) : settings.images;
  const { multiplier, choose } = settings;
  if (asked > multiplier * ids.length) say(`  ${asked} images were asked for; ${ids.length} taken ${multiplier} times are all there are`);
  decisions.times.fill(0);
  for (const row of sampleBalanced(hierarchy, asked, { seed, multiplier, choose })) decisions.times[row]!++;
  let repeated = 0;
  for (let row = 0; row < ids.length; row++) {
    if (decisions.times[row] === 0) drop(decisions, row, 'notSampled');
    else if (decisions.times[row]! > 1) repeated++;
  }
  const sizes = (weights: ArrayLike<number>) => {
    const counts = new Float64Array(finest.offsets.length - 1);
    finest.clusters.forEach((cluster, row) => (counts[cluster]! += weights[row]!));
    return counts;
  };
  const taken = sizes(decisions.times);
  return {
    decisions,
    facts: {
      asked,
      sampled: taken.reduce((sum, size) => sum + size, 0),
      repeated,
      entropyBefore: entropyOf(sizes(new Uint8Array(ids.length).fill(1))),
      entropyAfter: entropyOf(taken),
    },
  };
};

/** Places of numbers among others; both ascend. */
function rowsOf(ids: Uint32Array, among: Uint32Array): Uint32Array {
  let at = 0;
  return ids.map((id) => {
    while (among[at] !== id) at++;
    return at;
  });
}
