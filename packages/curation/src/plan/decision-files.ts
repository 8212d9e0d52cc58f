import { readTable, writeTable } from '../tables';
import { type Decisions, NONE } from './decisions';

/** Write decisions as a table that SQL and pandas read. */
export async function writeDecisions(path: string, { ids, keep, reasons, reasonNames, related, similarity, component, times }: Decisions): Promise<void> {
  const orNull = (values: Uint32Array) => ({ type: 'uint32' as const, values: Array.from(values, (value) => (value === NONE ? null : value)) });
  await writeTable(path, {
    id: ids,
    keep: { type: 'boolean', values: keep },
    reason: Array.from(reasons, (reason) => reasonNames[reason]!),
    relatedId: orNull(related),
    similarity: { type: 'float32', values: Array.from(similarity, (value) => (Number.isNaN(value) ? null : value)) },
    component: orNull(component),
    times,
  });
}

/** What goes on of the decisions in a file. */
export async function readDecisions(path: string): Promise<Pick<Decisions, 'ids' | 'keep' | 'times'>> {
  const { columns } = await readTable(path, ['id', 'keep', 'times']);
  return { ids: columns['id'] as Uint32Array, keep: Uint8Array.from(columns['keep'] as ArrayLike<boolean | number>, Number), times: columns['times'] as Uint16Array };
}
