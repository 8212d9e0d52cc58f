import { html, type Html } from '@dinov2/app-kit';
import { formatMetric, isShare } from '../results/metric';
import type { Details, Result } from '../results/schema';
import { uniqueNames } from './rows';

/** Every class of one result; of several, one share of each class beside each other, the largest difference first. */
export function classDifferences(results: readonly Result[]): Html {
  const names = uniqueNames(results);
  const detailed = results.flatMap(({ details }, i) => (details === undefined ? [] : [{ details, name: names[i]! }]));
  const [first] = detailed;
  if (first === undefined) return html``;
  if (detailed.length === 1) return section(first.details, `Every ${first.details.unit}.`, wholeTable(first.details));
  const { unit } = first.details;
  const alike = detailed.filter(({ details }) => details.unit === unit);
  const column = first.details.columns.find((name) => isShare(name) && alike.every(({ details }) => details.columns.includes(name))) ?? first.details.columns[0]!;
  const values = alike.map(({ details }) => new Map(details.rows.map(({ name, values: row }) => [name, row[details.columns.indexOf(column)] ?? null])));
  const rows = [...new Set(alike.flatMap(({ details }) => details.rows.map(({ name }) => name)))]
    .map((name) => ({ name, values: values.map((map) => map.get(name) ?? null) }))
    .map((row) => ({ ...row, difference: differenceOf(row.values) }))
    .sort((a, b) => Math.abs(b.difference ?? 0) - Math.abs(a.difference ?? 0));
  const signed = (value: number | null) => (value === null ? '–' : `${value > 0 ? '+' : ''}${isShare(column) ? (100 * value).toFixed(1) : value.toPrecision(3)}`);
  const table = html`<div class="wide"><table class="numbers" id="differences"><tr><th>${unit}</th>${alike.map(({ name }) => html`<th>${name}</th>`)}<th>last − first</th></tr>
${rows.map((row) => html`<tr><td>${row.name}</td>${row.values.map((value) => html`<td>${formatMetric(column, value)}</td>`)}<td class="${(row.difference ?? 0) > 0 ? 'up' : (row.difference ?? 0) < 0 ? 'down' : ''}">${signed(row.difference)}</td></tr>`)}</table></div>`;
  return section(first.details, `${column} of every ${unit}, the largest difference first${isShare(column) ? ', in points' : ''}.`, table);
}

const section = ({ unit }: Details, text: string, table: Html): Html => html`<section><h2>By ${unit}</h2><p>${text}</p>${table}</section>`;

const wholeTable = ({ unit, columns, note: noteTitle, rows }: Details): Html =>
  html`<div class="wide"><table class="numbers"><tr><th>${unit}</th>${columns.map((name) => html`<th>${name}</th>`)}${noteTitle !== undefined && html`<th>${noteTitle}</th>`}</tr>
${rows.map(({ name, values, note }) => html`<tr><td>${name}</td>${values.map((value, i) => html`<td>${formatMetric(columns[i]!, value)}</td>`)}${noteTitle !== undefined && html`<td>${note}</td>`}</tr>`)}</table></div>`;

function differenceOf(values: readonly (number | null)[]): number | null {
  const [first, last] = [values[0], values.at(-1)];
  return first === null || first === undefined || last === null || last === undefined ? null : last - first;
}
