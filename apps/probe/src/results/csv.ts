import type { Details } from './schema';

/** Details as CSV with a header; texts are quoted where they must be. */
export function detailsCsv({ unit, columns, rows }: Details): string {
  const quote = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [[unit, ...columns], ...rows.map(({ name, values }) => [name, ...values.map((value) => (value === null ? '' : String(value)))])];
  return `${lines.map((cells) => cells.map(quote).join(',')).join('\n')}\n`;
}
