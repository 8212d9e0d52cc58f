import { join } from 'node:path';
import { html, type Html } from '@dinov2/app-kit';
import { runFiles } from '../plan/run-files';
import { readColumns } from './columns';
import { count, several } from './figure';
import type { RunResults } from './run-results';

/** Files named one by one. */
const shown = 60;

/** Files that could not be read, with the reason. */
export async function failedSection({ folder, result }: RunResults): Promise<Html> {
  const files: { path: string; reason: string }[] = [];
  let total = 0;
  for (const { name } of result.sets) {
    const table = await readColumns(join(folder, runFiles.embeddings, name, 'failed.parquet'), ['path', 'reason']);
    if (table === undefined) continue;
    total += table.rows;
    for (let row = 0; row < table.rows && files.length < shown; row++) files.push({ path: String(table.columns.path[row]), reason: String(table.columns.reason[row]) });
  }
  if (total === 0) return html``;
  return html`<section id="failed"><h2>${several(total, 'file')} could not be read</h2>
<details><summary>${total > shown ? html`The first ${count(shown)}` : 'All of them'}</summary><div class="wide"><table>${files.map(({ path, reason }) => html`<tr><td><code>${path}</code></td><td>${reason}</td></tr>`)}</table></div></details></section>`;
}
