import { createRandom } from '@dinov2/primitives';
import { memoryVectors } from '../../vectors/memory-vectors';
import { type ImageSet, type ImageTable, selectVectors } from '../image-table';
import { resolvePlan } from '../resolve-plan';
import type { PlannedStep, StepKind, StepSettings } from '../schema';
import type { StepWork } from '../step';

/** What a step gets, of images that are made up: `sources` of so many images each, by priority, and columns by image. */
export function workOf<K extends StepKind>(
  step: unknown,
  { sources, columns }: { readonly sources: Readonly<Record<string, { readonly images: number; readonly priority?: number }>>; readonly columns: Readonly<Record<string, unknown>> },
): StepWork<K> {
  const names = Object.keys(sources);
  const plan = resolvePlan(
    { values: { sources: names.map((path) => ({ path, priority: sources[path]!.priority ?? 0 })), steps: [step] }, at: () => 'test' },
    { base: '/', name: 'test' },
  );
  const sets: ImageSet[] = [];
  let images = 0;
  for (const name of names) {
    const count = sources[name]!.images;
    sets.push({ name, role: 'source', path: name, found: count, unreadable: 0, first: images, images: count });
    images += count;
  }
  const vectors = memoryVectors(new Float32Array(images), 1);
  const table: ImageTable = { key: '', path: '', sets, images, vectors, columns: async (wanted) => ({ rows: images, columns: Object.fromEntries(wanted.map((name) => [name, columns[name] as never])) }) };
  const missing = () => Promise.reject(new Error('not of this test'));
  return {
    settings: (plan.steps[0] as PlannedStep).settings as StepSettings<K>,
    plan,
    images: table,
    ids: Uint32Array.from({ length: images }, (_, id) => id),
    times: new Uint16Array(images).fill(1),
    folder: '', work: '', before: [], random: createRandom(0), seed: 0,
    engine: missing, extractor: missing,
    vectors: (ids) => selectVectors(vectors, ids),
    progress: () => () => {},
    say: () => {},
    warn: () => {},
  };
}
