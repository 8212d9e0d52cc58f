import Table from 'cli-table3';
import pc from 'picocolors';
import type { RunResult } from '../plan/curate';

const number = (value: number) => value.toLocaleString('en');

/** Sources and what each step left of them, as in the paper's Table 15. */
export function sourceTable({ sources, queries, steps, sets }: RunResult): string {
  const table = new Table({
    head: ['source', 'found', 'readable', ...steps.map((step) => step.replace(/^\d+-/, '')), 'manifest'],
    colAligns: ['left', ...Array.from({ length: steps.length + 3 }, () => 'right' as const)],
    style: { head: ['bold'], compact: true },
  });
  for (const { name, found, images, after, final } of sources) table.push([name, number(found), number(images), ...steps.map((step) => number(after[step] ?? 0)), pc.bold(number(final))]);
  if (sources.length > 1) {
    const sum = (of: (row: RunResult['sources'][number]) => number) => number(sources.reduce((total, row) => total + of(row), 0));
    table.push([pc.bold('all'), sum(({ found }) => found), sum(({ images }) => images), ...steps.map((step) => sum(({ after }) => after[step] ?? 0)), pc.bold(sum(({ final }) => final))]);
  }
  const asIs = sets.filter(({ role, final }) => role === 'query' && final > 0);
  const retrieved = queries.map(({ name, images, mode, retrieved, final }) => `${String(name)}: ${number(Number(images))} queries, ${String(mode)}, ${number(Number(retrieved))} retrieved, ${number(Number(final))} taken`);
  return [table.toString(), ...retrieved, ...asIs.map(({ name, final }) => `${name}: ${number(final)} queries taken as they are`)].join('\n');
}
