import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '@dinov2/data';
import { CurationError } from '../../error';
import { classifyAll, decideByRules, loadClassifier } from '../../quality';
import { numbers, readTable, type TableData, writeTable } from '../../tables';
import { drop, keepAll } from '../decisions';
import type { StepRunner, StepWork } from '../step';
import { pictureFiles } from './picture-bytes';

/** Images that a classifier judges between two savings. */
const BLOCK = 4096;
/** What a classifier said, for the report and for SQL. */
const CLASSIFIED = 'classified.parquet';

/** Leave out images by bounds on what was measured of them, and on what a classifier of the user's says. */
export const filter: StepRunner<'filter'> = async (work) => {
  const { settings, images, ids, times } = work;
  const rules = [...settings.rules, ...settings.moreRules];
  const decisions = keepAll(ids, times, 'kept');
  if (ids.length === 0) return { decisions, facts: {} };
  const judged = settings.classifier === null ? undefined : await classified(work, settings.classifier);
  const own = judged === undefined ? [] : Object.keys(judged.columns).filter((name) => name !== 'id');
  const measured = [...new Set(rules.map(({ column }) => column))].filter((column) => !own.includes(column));
  const table = await images.columns(measured);
  const columns: Record<string, ArrayLike<number>> = {};
  for (const name of measured) {
    const values = numbers(table, name);
    columns[name] = Float64Array.from(ids, (id) => values[id] ?? NaN);
  }
  for (const name of own) columns[name] = Float64Array.from(numbers(judged!, name) as ArrayLike<number>);

  const { keep, rule, broken } = decideByRules(columns, rules);
  for (let row = 0; row < ids.length; row++) {
    if (keep[row] === 0) drop(decisions, row, rules[rule[row]!]!.name);
  }
  const facts = { rules: rules.map((bound, i) => ({ ...bound, broken: broken[i]!, dropped: rule.reduce((sum, first) => sum + (first === i ? 1 : 0), 0) })) };
  return { decisions, facts, ...(judged && { files: [CLASSIFIED] }) };
};

/** The columns of a classifier, block by block, so that a run that is cut goes on. */
async function classified({ images, ids, folder, work, vectors, plan, progress, signal }: StepWork<'filter'>, path: string): Promise<TableData> {
  const classifier = await loadClassifier(path);
  const files = await pictureFiles(images);
  const advance = progress('images');
  let names: readonly string[] | undefined;
  let failure: string | undefined;
  /** Before the first picture that can be read, nobody knows the names of columns. */
  const nameless: { readonly part: string; readonly block: Uint32Array }[] = [];
  for (let first = 0; first < ids.length; first += BLOCK) {
    const part = join(work, `part-${String(first / BLOCK).padStart(5, '0')}.parquet`);
    if (existsSync(part)) {
      names ??= Object.keys((await readTable(part)).columns).filter((name) => name !== 'id');
      continue;
    }
    const block = ids.subarray(first, first + BLOCK);
    const { columns, failed } = await classifyAll(
      classifier,
      {
        paths: Array.from(block, (id) => files.path(id)),
        readImage: async (row) => decodeImage(await files.input(block[row]!), { autoOrient: plan.embed.autoOrient }),
        vectors: vectors(block),
      },
      { onProgress: (done) => advance(first + done, ids.length), ...(names && { names }), ...(signal && { signal }) },
    );
    if (failed[0]) failure ??= `${files.path(block[failed[0].row]!)}: ${failed[0].reason}`;
    const found = Object.keys(columns);
    if (found.length === 0) {
      nameless.push({ part, block });
      continue;
    }
    names = found;
    await writeTable(part, { id: block, ...columns });
  }
  if (names === undefined) {
    throw new CurationError(`none of ${ids.length} images can be read for the classifier ${classifier.name} (${failure}); check that they are still where they were`);
  }
  for (const { part, block } of nameless) {
    await writeTable(part, { id: block, ...Object.fromEntries(names.map((name) => [name, new Float32Array(block.length).fill(NaN)])) });
  }
  // The parts of a folder are a table.
  const whole = await readTable(work);
  await writeTable(join(folder, CLASSIFIED), whole.columns as Record<string, Float32Array>);
  return whole;
}
