import { stringify } from 'yaml';
import type { Plan } from './schema';

/** A plan as YAML, with every setting. */
export function planYaml({ steps, ...rest }: Plan): string {
  const listed = steps.map(({ name, kind, settings }) => ({ [kind]: { ...(name !== kind && { name }), ...settings } }));
  return stringify({ ...rest, steps: listed }, { lineWidth: 0 });
}

/** The steps in one line. */
export const describePlan = ({ sources, queries, heldOut, steps }: Plan): string =>
  [
    `${sources.map(({ name }) => name).join(', ')}${queries.length > 0 ? `; like ${queries.map(({ name }) => name).join(', ')}` : ''}${heldOut.length > 0 ? `; without ${heldOut.map(({ name }) => name).join(', ')}` : ''}:`,
    ['embed', ...steps.map(({ name }) => name)].join(' → '),
  ].join(' ');
