import type { Chart } from '@dinov2/app-kit';
import { isShare } from '../results/metric';
import type { Row } from './rows';

/** Charts that a page still shows well. */
const MOST = 12;

/** A bar chart for each metric, a bar for each row. */
export function metricCharts(rows: readonly Row[]): Chart[] {
  const names = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))].slice(0, MOST);
  if (rows.length < 2) return [];
  return names.map((name, i) => ({
    id: `metric-${i}`,
    title: name,
    steps: rows.map((_, row) => row),
    labels: rows.map((row) => row.name),
    percent: isShare(name),
    series: [{ name: '', colour: '--c1', values: rows.map(({ metrics }) => metrics[name] ?? null) }],
  }));
}
