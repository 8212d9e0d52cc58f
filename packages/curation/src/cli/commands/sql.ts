import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runFiles, stepFiles } from '../../plan/run-files';
import { query } from '../../tables';
import { tableOf } from '../table';
import { findRun } from './find-run';

/** `dinov2-curate sql` */
export async function sqlCommand(sql: string, { run, json }: { readonly run?: string; readonly json: boolean }): Promise<void> {
  // A question about files alone needs no run.
  const ownTables = /['"][^'"]+\.parquet['"]/i.test(sql) && run === undefined;
  const rows = await query(sql, ownTables ? {} : tablesOf(findRun(run)));
  if (json) {
    console.log(JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2));
    return;
  }
  if (rows.length === 0) {
    console.log('no rows');
    return;
  }
  const names = Object.keys(rows[0]!);
  console.log(tableOf(names, rows.map((row) => names.map((name) => String(row[name] ?? '')))));
}

/** Tables of a run by name: of a step, its decisions under its own name, its other tables as `step_table`. */
function tablesOf(run: string): Record<string, string> {
  const tables: Record<string, string> = {};
  for (const [name, file] of [['images', runFiles.images], ['manifest', runFiles.manifest]] as const) {
    if (existsSync(join(run, file))) tables[name] = join(run, file);
  }
  const steps = join(run, runFiles.steps);
  for (const label of existsSync(steps) ? readdirSync(steps).sort() : []) {
    const name = label.replace(/^\d+-/, '');
    if (!existsSync(join(steps, label, stepFiles.result))) continue;
    for (const file of readdirSync(join(steps, label)).filter((file) => file.endsWith('.parquet'))) {
      tables[file === stepFiles.decisions ? name : `${name}_${file.slice(0, -'.parquet'.length)}`] = join(steps, label, file);
    }
  }
  return tables;
}
