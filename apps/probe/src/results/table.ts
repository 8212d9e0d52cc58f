import Table from 'cli-table3';
import pc from 'picocolors';
import { formatMetric } from './metric';
import type { Metrics, Result } from './schema';

/** Metrics beside each other fit a terminal up to this many; more stand below each other. */
const WIDE = 5;

/** The rows of results for the terminal: baselines first, then the weights that have to beat them, in bold. */
export function resultTable(results: readonly Result[]): string {
  const rows: { name: string; metrics: Metrics; own: boolean }[] = results.flatMap(({ name, metrics, baselines = {} }) => [
    ...Object.entries(baselines).reverse().map(([baseline, measured]) => ({ name: baseline, metrics: measured.metrics, own: false })),
    { name, metrics, own: true },
  ]);
  const names = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))];
  const cell = ({ metrics, own }: (typeof rows)[number], name: string) => (own ? pc.bold : String)(formatMetric(name, metrics[name]));
  if (names.length <= WIDE) {
    return tableOf(['', ...names], rows.map((row) => [(row.own ? pc.bold : String)(row.name), ...names.map((name) => cell(row, name))]));
  }
  return tableOf(['', ...rows.map(({ name, own }) => (own ? pc.bold : String)(name))], names.map((name) => [name, ...rows.map((row) => cell(row, name))]));
}

/** A table without rules between rows. */
function tableOf(head: string[], rows: string[][]): string {
  const style = { head: process.stdout.isTTY ? ['bold'] : [], border: process.stdout.isTTY ? ['gray'] : [] };
  const table = new Table({ head, colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')), style, chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' } });
  table.push(...rows);
  return table.toString();
}
