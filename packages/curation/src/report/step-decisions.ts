import { join } from 'node:path';
import { runFiles, stepFiles } from '../plan/run-files';
import { type Column, numberAt, readColumns } from './columns';

/** What a step decided, by row: one for each image that entered it, ascending. */
export interface StepDecisions {
  readonly rows: number;
  id(row: number): number;
  keep(row: number): boolean;
  reason(row: number): string;
  /** How often the image goes on. */
  times(row: number): number;
  related(row: number): number | undefined;
  similarity(row: number): number | undefined;
  component(row: number): number | undefined;
}

/** Decisions of a step of a run. */
export async function readDecisions(run: string, step: string): Promise<StepDecisions | undefined> {
  const table = await readColumns(join(run, runFiles.steps, step, stepFiles.decisions), ['id', 'keep', 'reason', 'relatedId', 'similarity', 'component', 'times']);
  if (table === undefined) return undefined;
  const { rows, columns } = table;
  const some = (column: Column) => (row: number) => numberAt(column, row);
  return {
    rows,
    id: (row) => numberAt(columns.id, row)!,
    keep: (row) => Boolean(columns.keep[row]),
    reason: (row) => String(columns.reason[row]),
    times: (row) => numberAt(columns.times, row) ?? 0,
    related: some(columns.relatedId),
    similarity: some(columns.similarity),
    component: some(columns.component),
  };
}
