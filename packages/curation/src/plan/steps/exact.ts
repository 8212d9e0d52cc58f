import { listComponents } from '../../duplicates/component-list';
import { mergeComponents } from '../../duplicates/components';
import { equalGroups } from '../../duplicates/equal-groups';
import { chooseRepresentatives } from '../../duplicates/keep-policy';
import { perceptualGroups } from '../../duplicates/perceptual-groups';
import { numbers, strings } from '../../tables';
import { drop, keepAll, reasonCode } from '../decisions';
import type { StepRunner } from '../step';
import { keepFacts, policiesOf } from './keep-facts';

/** Keep one of the files with equal bytes, and of the pictures with (nearly) equal perceptual hashes. */
export const exact: StepRunner<'exact'> = async (work) => {
  const { settings, images, ids, times } = work;
  const table = await images.columns(['sha256', 'phash', 'aspect']);
  const all = strings(table, 'sha256');
  const contents = Array.from(ids, (id) => all[id]!);
  const byContent = equalGroups(contents);
  const perceptual64 = table.columns['phash'] as BigUint64Array;
  const hashes = BigUint64Array.from(ids, (id) => perceptual64[id]!);
  // A hash of 64 bits knows nothing of a picture's shape, and text pages, say, differ in little else.
  const shapes = numbers(table, 'aspect');
  const aspects = Float64Array.from(ids, (id) => shapes[id] ?? NaN);
  const labels = settings.perceptual === null ? byContent : mergeComponents(byContent, perceptualGroups(hashes, settings.perceptual, { aspects }));
  const components = listComponents(labels);
  const policies = policiesOf(settings.keep);
  const representatives = await chooseRepresentatives(components, policies, await keepFacts(work, policies), ids.length);

  const decisions = keepAll(ids, times, 'unique');
  const stays = reasonCode(decisions, 'representative');
  let content = 0;
  let perceptual = 0;
  components.labels.forEach((label, component) => {
    const representative = representatives[component]!;
    for (let place = components.starts[component]!; place < components.starts[component + 1]!; place++) {
      const row = components.members[place]!;
      decisions.component[row] = ids[label]!;
      if (row === representative) {
        decisions.reasons[row] = stays;
        continue;
      }
      const same = contents[row] === contents[representative];
      if (same) content++;
      else perceptual++;
      drop(decisions, row, same ? 'contentDuplicate' : 'perceptualDuplicate');
      decisions.related[row] = ids[representative]!;
    }
  });
  const sizes = components.labels.map((_, i) => components.starts[i + 1]! - components.starts[i]!);
  return { decisions, facts: { groups: components.labels.length, largest: sizes.reduce((most, size) => Math.max(most, size), 0), content, perceptual } };
};
