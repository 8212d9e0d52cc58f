import type { RunResult, SourceRow } from '../plan/curate';
import { tableOf } from './table';

const number = (value: number) => value.toLocaleString('en');
/** Sources that fit beside each other on a terminal. */
const BESIDE = 5;

/** Sources and what each step left of them, as in the paper's Table 15. */
export function sourceTable({ sources, queries, steps, sets }: RunResult): string {
  const stages: [string, (row: SourceRow) => number][] = [
    ['found', ({ found }) => found],
    ['readable', ({ images }) => images],
    ...steps.map((step): [string, (row: SourceRow) => number] => [step.replace(/^\d+-/, ''), ({ after }) => after[step] ?? 0]),
    ['manifest', ({ final }) => final],
  ];
  const total = (of: (row: SourceRow) => number) => number(sources.reduce((sum, row) => sum + of(row), 0));
  const more = sources.length > 1;
  const table = sources.length <= BESIDE
    ? tableOf(['', ...sources.map(({ name }) => name), ...(more ? ['all'] : [])], stages.map(([name, of]) => [name, ...sources.map((row) => number(of(row))), ...(more ? [total(of)] : [])]), 'right')
    : tableOf(['source', ...stages.map(([name]) => name)], [...sources.map((row) => [row.name, ...stages.map(([, of]) => number(of(row)))]), ['all', ...stages.map(([, of]) => total(of))]], 'right');
  const retrieved = queries.map(({ name, images, mode, retrieved, final }) => `${String(name)}: ${number(Number(images))} queries, ${String(mode)}, ${number(Number(retrieved))} retrieved, ${number(Number(final))} taken`);
  const asIs = sets.filter(({ role, final }) => role === 'query' && final > 0);
  return [table, ...retrieved, ...asIs.map(({ name, final }) => `${name}: ${number(final)} queries taken as they are`)].join('\n');
}
