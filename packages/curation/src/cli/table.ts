import Table from 'cli-table3';

/** A table for the terminal: the first column to the left, others as `alignment` says. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[], alignment: 'left' | 'right' = 'left'): string {
  // Colours are for terminals.
  const style = { head: process.stdout.isTTY ? ['bold'] : [], border: process.stdout.isTTY ? ['gray'] : [], compact: true };
  const table = new Table({ head: [...head], colAligns: head.map((_, i) => (i === 0 ? 'left' : alignment)), style });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
