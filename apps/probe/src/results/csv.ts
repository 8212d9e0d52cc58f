import type { Details } from './schema';

/** Lines of cells as CSV; texts are quoted where they must be (RFC 4180). */
export function csvLines(lines: readonly (readonly (string | number | null)[])[]): string {
  const quote = (cell: string | number | null) => (cell === null ? '' : /[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));
  return lines.map((cells) => `${cells.map(quote).join(',')}\n`).join('');
}

/** Details with a header. */
export function detailsCsv({ unit, columns, note, rows }: Details): string {
  return csvLines([
    [unit, ...columns, ...(note === undefined ? [] : [note])],
    ...rows.map((row) => [row.name, ...row.values, ...(note === undefined ? [] : [row.note ?? ''])]),
  ]);
}
