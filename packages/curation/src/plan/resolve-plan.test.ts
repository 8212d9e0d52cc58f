import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CurationError } from '../error';
import { planYaml } from './plan-yaml';
import { planFor, readPlan } from './resolve-plan';

const folder = mkdtempSync(join(tmpdir(), 'curate-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

let written = 0;
function read(text: string) {
  const path = join(folder, `plan${written++}.yaml`);
  writeFileSync(path, text);
  try {
    return { plan: readPlan(path) };
  } catch (error) {
    expect(error).toBeInstanceOf(CurationError);
    return { error: (error as Error).message.replaceAll(path, 'plan.yaml') };
  }
}
const names = (text: string) => read(text).plan?.steps.map(({ name }) => name);

describe('a plan', () => {
  it('needs its sources alone', () => {
    const { plan } = read('sources: pictures\n');
    expect(plan).toMatchObject({
      seed: 0,
      sources: [{ name: 'pictures', path: join(folder, 'pictures'), priority: 0 }],
      embed: { weights: null, precision: 'float16' },
    });
    expect(plan!.steps.map(({ kind }) => kind)).toEqual(['filter', 'exact', 'selfDeduplicate', 'cluster', 'balance']);
    expect(planFor(['some/where/photos.tar'])).toMatchObject({ out: resolve('curated/photos'), sources: [{ name: 'photos', path: resolve('some/where/photos.tar') }] });
  });

  it('has by default what its sets call for', () => {
    expect(names('sources: a\nheldOut: b\n')).toEqual(['filter', 'exact', 'selfDeduplicate', 'relativeDeduplicate', 'cluster', 'balance']);
    expect(names('sources: a\nqueries: b\n')).toEqual(['filter', 'exact', 'selfDeduplicate', 'retrieve']);
  });

  it('fills in the numbers of the paper', () => {
    const { plan } = read('sources: [a]\nqueries: [{ path: q, mode: cluster, asIs: true }]\nheldOut: [h]\nsteps: [selfDeduplicate, relativeDeduplicate, retrieve]\n');
    expect(plan!.steps.map(({ settings }) => settings)).toMatchObject([{ k: 64 }, { mode: 'component' }, { k: 4, minQueries: 3, perCluster: 10_000, cap: 1_000_000 }]);
    expect(plan!.queries).toMatchObject([{ name: 'q', mode: 'cluster', asIs: true }]);
  });

  it('says what is wrong with it, where, and what to do', () => {
    const text = `sources:
  - web
  - path: web
    prority: 1
seed: many
steps:
  - filter:
      moreRules: [{ name: small, column: width }]
  - selfDeduplicate:
      threshold: 2
  - dedupe
  - exact: { keep: best }
  - balance: { images: 1.5 }
outt: x
`;
    expect(read(text).error!.split('\n')).toEqual([
      'plan.yaml:14: unknown key "outt"; keys here are out, seed, sources, queries, heldOut, embed, engine, steps',
      'plan.yaml:4: unknown key "sources[1].prority"; keys here are name, path, priority',
      expect.stringMatching(/^plan.yaml:5: seed is "many": .*expected number/),
      'plan.yaml:8: steps[0].filter.moreRules[0] is {"name":"small","column":"width"}: expected a min, a max or both',
      expect.stringMatching(/^plan.yaml:10: steps\[1\]\.selfDeduplicate\.threshold is 2: .*<=1/),
      expect.stringMatching(/^plan.yaml:11: steps\[2\] is "dedupe"; expected one of filter, exact, .*, with settings such as/),
      expect.stringMatching(/^plan.yaml:12: steps\[3\]\.exact\.keep is "best": .*"largestArea"/),
      expect.stringMatching(/^plan.yaml:13: steps\[4\]\.balance\.images is 1.5: expected a whole number, or a share up to 1/),
    ]);
  });

  it.each([
    ['', 'plan.yaml: expected keys and values; a plan that is enough is `sources: pictures`'],
    ['sources: []\n', 'plan.yaml:1: no sources; name folders, lists or tars of pictures, such as `sources: [pictures]`'],
    ['sources: [a, b/a]\n', 'plan.yaml:1: the name a is taken by another set; give this one a `name:` of its own'],
    ['sources: a\nsteps:\n- retrieve\n', 'plan.yaml:3: retrieve needs pictures to look for; add `queries: [folder]` or leave the step out'],
    ['sources: a\nsteps:\n- balance\n', 'plan.yaml:3: balance samples over the clusters of a step before it; put `- cluster` above it'],
    ['sources: a\nsteps:\n- exact\n- exact\n', 'plan.yaml:4: two steps are called exact; give this one a `name:` of its own'],
    ['sources: a\nheldOut: b\nsteps:\n- relativeDeduplicate: { against: [c] }\n', 'plan.yaml:4: against names c; held-out sets are b'],
    ['sources: [a\n', expect.stringMatching(/^plan.yaml:2: Flow sequence/)],
  ])('is refused: %j', (text, error) => {
    expect(read(text).error).toEqual(error);
  });

  it('is read from what it is written as', () => {
    const { plan } = read('sources: [{ path: a, priority: 2 }]\nheldOut: [h]\nsteps: [{ exact: { name: first } }, exact, { relativeDeduplicate: { against: [h], threshold: 0.45 } }]\n');
    expect(read(planYaml(plan!)).plan).toEqual(plan);
  });
});
