import { existsSync } from 'node:fs';
import { readTable } from '../tables';

/** A column as tables give it. */
export type Column = ArrayLike<unknown>;

/** Columns of a table by name; undefined when there is no such file. */
export async function readColumns<Name extends string>(path: string, names?: readonly Name[]): Promise<{ rows: number; columns: Readonly<Record<Name, Column>> } | undefined> {
  if (!existsSync(path)) return undefined;
  const { rows, columns } = await readTable(path, names);
  return { rows, columns: columns as unknown as Record<Name, Column> };
}

/** A number of a column; undefined where there is none. */
export function numberAt(column: Column | undefined, row: number): number | undefined {
  const value = column?.[row];
  if (value === null || value === undefined) return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}
