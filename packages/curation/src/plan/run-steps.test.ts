import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTable } from '../tables';
import { memoryVectors } from '../vectors/memory-vectors';
import { drop, keepAll } from './decisions';
import type { ImageTable } from './image-table';
import { silentReporter } from './reporter';
import { planFor, resolvePlan } from './resolve-plan';
import { runSteps, type StepsOptions } from './run-steps';
import type { StepKind } from './schema';
import type { StepRunner } from './step';

let out: string;
beforeEach(() => (out = mkdtempSync(join(tmpdir(), 'curate-steps-'))));
afterEach(() => rmSync(out, { recursive: true }));

// Two sources and a query set, of four, three and two images.
const images: ImageTable = {
  key: 'images',
  path: '',
  images: 9,
  sets: [
    { name: 'a', role: 'source', path: 'a', found: 5, unreadable: 1, first: 0, images: 4 },
    { name: 'b', role: 'source', path: 'b', found: 3, unreadable: 0, first: 4, images: 3 },
    { name: 'q', role: 'query', path: 'q', found: 2, unreadable: 0, first: 7, images: 2 },
  ],
  vectors: memoryVectors(new Float32Array(18), 2),
  columns: () => Promise.reject(new Error('no columns')),
};

const runs: string[] = [];
/** Drops the images of these numbers. */
const dropping = (dropped: readonly number[]): StepRunner<StepKind> => async ({ ids, times, work, settings }) => {
  runs.push(`${(settings as { name?: string }).name ?? ''}${[...ids].join('')}`);
  expect(existsSync(work)).toBe(true);
  const decisions = keepAll(ids, times, 'kept');
  ids.forEach((id, i) => {
    if (dropped.includes(id)) drop(decisions, i, 'unwanted');
  });
  return { decisions, facts: { dropped } };
};

function plan(steps: unknown[]) {
  const sources = [{ path: 'a' }, { path: 'b', priority: 1 }];
  return resolvePlan({ values: { sources, queries: ['q'], steps }, at: () => 'test' }, { base: '/', name: 'test', overrides: { out } });
}
function run(options: Partial<StepsOptions> & Pick<StepsOptions, 'plan'>) {
  runs.length = 0;
  const none = () => Promise.reject(new Error('nothing to compute'));
  return runSteps({ images, reporter: silentReporter, engine: none, extractor: none, runners: { filter: dropping([1]), exact: dropping([2, 5]), selfDeduplicate: dropping([6]) }, ...options });
}
const three = plan.bind(null, ['filter', 'exact', 'selfDeduplicate']);

describe('runSteps', () => {
  it('gives each step what the one before kept, and counts by source', async () => {
    const { results, final } = await run({ plan: three() });
    expect(runs).toEqual(['0123456', '023456', '0346']);
    expect([...final!.ids]).toEqual([0, 3, 4]);
    expect(results[1]).toMatchObject({
      step: '02-exact', in: 6, kept: 4, dropped: 2, taken: 4, reasons: { kept: 4, unwanted: 2 }, facts: { dropped: [2, 5] },
      sources: [{ name: 'a', in: 3, kept: 2, dropped: 1, taken: 2 }, { name: 'b', in: 3, kept: 2, dropped: 1, taken: 2 }],
    });
    const { columns } = await readTable(join(out, 'steps', '02-exact', 'decisions.parquet'));
    expect(columns).toMatchObject({
      keep: [true, false, true, true, false, true],
      reason: ['kept', 'unwanted', 'kept', 'kept', 'unwanted', 'kept'],
      relatedId: Array.from({ length: 6 }, () => null),
    });
    expect([...(columns['id'] as Uint32Array)]).toEqual([0, 2, 3, 4, 5, 6]);
  });

  it('runs nothing again that is there, and of a change only what follows from it', async () => {
    await run({ plan: three() });
    await run({ plan: three() });
    expect(runs).toEqual([]);
    await run({ plan: plan(['filter', { exact: { perceptual: 5 } }, 'selfDeduplicate']) });
    expect(runs).toEqual(['023456']);
    await run({ plan: plan(['filter', { exact: { perceptual: 5 } }, 'selfDeduplicate']), runners: { exact: dropping([3]), selfDeduplicate: dropping([]) }, from: 'exact' });
    expect(runs).toEqual(['023456', '02456']);
    await run({ plan: three(), images: { ...images, key: 'others' } });
    expect(runs).toHaveLength(3);
  });

  it('runs one step again alone', async () => {
    await run({ plan: three() });
    const outcome = await run({ plan: three(), only: 'exact', runners: { exact: dropping([3]) } });
    expect(outcome.final).toBeUndefined();
    expect(runs).toEqual(['023456']);
    await run({ plan: three() });
    expect(runs).toEqual(['02456']);
    await expect(run({ plan: three(), only: 'dedupe' })).rejects.toThrow('--step dedupe is no step of the plan; its steps are filter, exact, selfDeduplicate');
    rmSync(join(out, 'steps', '01-filter'), { recursive: true });
    await expect(run({ plan: three(), only: 'exact' })).rejects.toThrow(/--step exact needs the result of filter before it, which is missing/);
  });

  it('lets a step go on with what it left when it was cut, unless its inputs have changed', async () => {
    const seen: (string | undefined)[] = [];
    const cut: StepRunner<'exact'> = async ({ work }) => {
      const file = join(work, 'half');
      seen.push(existsSync(file) ? readFileSync(file, 'utf8') : undefined);
      writeFileSync(file, 'half of it');
      throw new Error('cut');
    };
    await expect(run({ plan: three(), runners: { filter: dropping([1]), exact: cut } })).rejects.toThrow('cut');
    await expect(run({ plan: three(), runners: { exact: cut } })).rejects.toThrow('cut');
    await expect(run({ plan: three(), runners: { filter: dropping([0]), exact: cut }, from: 'filter' })).rejects.toThrow('cut');
    expect(seen).toEqual([undefined, 'half of it', undefined]);
    await run({ plan: three() });
    expect(existsSync(join(out, 'steps', '02-exact', 'work'))).toBe(false);
  });

  it('counts an image as often as it is taken', async () => {
    const twice: StepRunner<StepKind> = async ({ ids, times }) => {
      const decisions = keepAll(ids, times, 'retrieved');
      decisions.times.fill(2);
      return { decisions, facts: {} };
    };
    const { results, final } = await run({ plan: plan(['filter', 'exact']), runners: { filter: twice, exact: dropping([0]) } });
    expect(results.map(({ kept, taken }) => [kept, taken])).toEqual([[7, 14], [6, 12]]);
    expect(final!.times.every((count) => count === 2)).toBe(true);
  });
});

it('plans for folders name them', () => expect(planFor(['a', 'b/c']).sources.map(({ name }) => name)).toEqual(['a', 'c']));
