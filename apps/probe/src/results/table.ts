import Table from 'cli-table3';
import pc from 'picocolors';
import { formatMetric } from './metric';
import type { Metrics, Result } from './schema';

/** Metrics beside each other fit a terminal up to this many; more stand below each other. */
const WIDE = 5;

/** The rows of results, weights first and their baselines below, for the terminal. */
export function resultTable(results: readonly Result[]): string {
  const rows: { name: string; metrics: Metrics; own: boolean }[] = results.flatMap(({ name, metrics, baselines = {} }) => [
    { name, metrics, own: true },
    ...Object.entries(baselines).map(([baseline, measured]) => ({ name: baseline, metrics: measured.metrics, own: false })),
  ]);
  const names = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))];
  const style = { head: [], border: process.stdout.isTTY ? ['gray'] : [] };
  const cell = ({ metrics, own }: (typeof rows)[number], name: string) => (own ? pc.bold : String)(formatMetric(name, metrics[name]));
  if (names.length <= WIDE) {
    const table = new Table({ head: ['', ...names], colAligns: ['left', ...names.map(() => 'right' as const)], style });
    table.push(...rows.map((row) => [row.name, ...names.map((name) => cell(row, name))]));
    return table.toString();
  }
  const table = new Table({ head: ['', ...rows.map(({ name }) => name)], colAligns: ['left', ...rows.map(() => 'right' as const)], style });
  table.push(...names.map((name) => [name, ...rows.map((row) => cell(row, name))]));
  return table.toString();
}
