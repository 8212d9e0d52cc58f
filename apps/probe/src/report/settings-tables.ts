import { html, type Html } from '@dinov2/app-kit';
import type { Result } from '../results/schema';
import { uniqueNames } from './rows';

type Entry = readonly [name: string, value: string];

/** Settings, data and choices in which results differ. */
export function settingDifferences(results: readonly Result[]): Html {
  if (results.length < 2) return html``;
  const names = uniqueNames(results);
  const all = results.map((result) => new Map(entriesOf(result)));
  const differing = [...new Set(all.flatMap((map) => [...map.keys()]))].filter((key) => new Set(all.map((map) => map.get(key))).size > 1);
  const table = html`<div class="wide"><table id="settings-that-differ"><tr><th></th>${names.map((name) => html`<th>${name}</th>`)}</tr>
${differing.map((key) => html`<tr><td>${key}</td>${all.map((map) => html`<td>${map.get(key) ?? '–'}</td>`)}</tr>`)}</table></div>`;
  return html`<section><h2>What differs</h2><p>${differing.length === 0 ? 'Nothing: results were made with the same settings and data.' : 'Settings, data and weights in which results differ.'}</p>${differing.length > 0 && table}</section>`;
}

/** All of a result but its numbers, in tables. */
export function settingTables(result: Result, titled: boolean): Html {
  const { weights, data, settings, chosen = {}, environment, seconds, version, date } = result;
  const tables: [string, readonly Entry[]][] = [
    ['Weights', flatten(weights)],
    ['Data', flatten(data)],
    ['Settings', flatten(settings)],
    ['Chosen by the data', flatten(chosen)],
    ['Made', [...flatten(environment), ['seconds', String(seconds)], ['version', version], ['date', date]]],
  ];
  return html`${tables
    .filter(([, rows]) => rows.length > 0)
    .map(([title, rows]) => html`<table><caption>${titled ? `${result.name}: ${title.toLowerCase()}` : title}</caption>${rows.map(([name, value]) => html`<tr><td>${name}</td><td>${value}</td></tr>`)}</table>`)}`;
}

const entriesOf = ({ command, weights, data, settings, chosen = {}, environment, version }: Result): Entry[] =>
  flatten({ command, weights, data, settings, chosen, environment, version });

/** Nested records as dotted names. */
function flatten(tree: unknown, prefix = ''): Entry[] {
  return Object.entries(tree as Record<string, unknown>).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? flatten(value, `${prefix}${key}.`) : [[`${prefix}${key}`, show(value)] as const],
  );
}

const show = (value: unknown): string => (value === null || (Array.isArray(value) && value.length === 0) ? '–' : Array.isArray(value) ? value.map(show).join(', ') : String(value));
