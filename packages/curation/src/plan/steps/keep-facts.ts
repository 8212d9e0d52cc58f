import type { KeepFacts, KeepPolicy } from '../../duplicates/keep-policy';
import { numbers } from '../../tables';
import { setOf } from '../image-table';
import type { StepKind } from '../schema';
import type { StepWork } from '../step';

/** What policies look at, for the images that entered, in their order. */
export async function keepFacts({ plan, images, ids, vectors }: Pick<StepWork<StepKind>, 'plan' | 'images' | 'ids' | 'vectors'>, policies: readonly KeepPolicy[]): Promise<KeepFacts> {
  const wanted = [...(policies.includes('largestArea') ? ['width', 'height'] : []), ...(policies.includes('highestQuality') ? ['quality'] : [])];
  const table = await images.columns(wanted);
  const column = (name: string) => {
    const values = numbers(table, name);
    return Float64Array.from(ids, (id) => values[id] ?? NaN);
  };
  const priorities = [...new Set(plan.sources.map(({ priority }) => priority))].sort((a, b) => b - a);
  const preference = new Map(plan.sources.map(({ name, priority }) => [name, priorities.indexOf(priority)]));
  const sources = images.sets.filter(({ role }) => role === 'source');
  const [width, height] = wanted.includes('width') ? [column('width'), column('height')] : [];
  return {
    ...(width && height && { area: width.map((w, i) => w * height[i]!) }),
    ...(wanted.includes('quality') && { quality: column('quality') }),
    ...(policies.includes('sourcePriority') && { source: Float64Array.from(ids, (id) => preference.get(setOf(sources, id).name)!) }),
    ...(policies.includes('medoid') && { vectors: vectors(ids) }),
  };
}

/** One policy or several, as several. */
export const policiesOf = (keep: KeepPolicy | readonly KeepPolicy[]): readonly KeepPolicy[] => (typeof keep === 'string' ? [keep] : keep);
