// The whole pipeline on a generated heap of which everything is known: precision and recall of duplicate removal, of the
// filters and of the audit against held-out pictures, spread over concepts before and after, time and memory.
//
//   npm run build && node bench/curate-heap.mjs [--heap /tmp/heap] [--count 20000] [--seed 0] [--images 2000]
//       [--weights RUN | pixels] [--out /tmp/curated-heap] [--name curate-heap] [--keep]
//
// The heap is made if it is not there. Without `--weights` a ViT-Ti is pretrained first on `--images` random files of the
// heap, labels unseen (`dinov2-pretrain`, support/heap.yaml): that is the honest network for a heap that nobody has looked at.
// A planted copy counts as found when it is traced to the same kept image as what it was made of; a dropped duplicate is
// right when it shows what the image that it was dropped for shows. Junk that looks alike is counted apart.
// Writes bench/results/<name>.json and leaves the run folder with its report.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from '@dinov2/primitives';
import { generateHeap, readTable, readTruth, writeReport } from '@dinov2/curation';
import { entropy, peakMemory, percent, planText, randomFiles } from './support/heap.mjs';

const { values } = parseArgs({
  options: {
    heap: { type: 'string', default: '/tmp/heap' },
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '0' },
    images: { type: 'string', default: '2000' },
    weights: { type: 'string' },
    out: { type: 'string', default: '/tmp/curated-heap' },
    name: { type: 'string', default: 'curate-heap' },
    keep: { type: 'boolean', default: false },
  },
});
const [count, seed, images] = [values.count, values.seed, values.images].map(Number);
const heap = resolve(values.heap);
const out = resolve(values.out);
const program = (path) => fileURLToPath(new URL(`../${path}/dist/main.js`, import.meta.url));

let started = performance.now();
if (!existsSync(join(heap, 'truth.csv'))) await generateHeap(heap, { count, seed });
const heapSeconds = (performance.now() - started) / 1000;
const truth = await readTruth(heap);

let weights = values.weights;
if (weights === undefined) {
  weights = `${out}-network`;
  const list = `${out}-network.txt`;
  writeFileSync(list, randomFiles(heap, truth, images, createRandom(seed).fork('network')).join('\n'));
  await run(process.execPath, [program('apps/pretrain'), '--config', fileURLToPath(new URL('support/heap.yaml', import.meta.url)), '--data', list, '--out', weights]);
}

if (!values.keep) rmSync(out, { recursive: true, force: true });
const plan = `${out}.yaml`;
writeFileSync(plan, planText({ heap, out, weights: weights === 'pixels' ? weights : resolve(weights), images, seed }));
started = performance.now();
const memory = await run(process.execPath, [program('packages/curation'), 'run', plan]);
const seconds = (performance.now() - started) / 1000;
await writeReport(out, { labels: join(heap, 'truth.csv') });

const result = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
const steps = result.steps.map((step) => JSON.parse(readFileSync(join(out, 'steps', step, 'result.json'), 'utf8')));
const measured = {
  machine: { cpu: cpus()[0].model, cores: cpus().length, load: loadavg()[0] },
  heap: { count: truth.filter(({ kind }) => kind !== 'evaluation').length, seed, kinds: tally(truth, ({ kind }) => kind), seconds: heapSeconds },
  embedding: result.embedding,
  seconds,
  stepSeconds: Object.fromEntries(steps.map(({ name, seconds }) => [name, seconds])),
  peakMemoryMiB: Math.round(memory / 2 ** 20),
  thresholds: Object.fromEntries(steps.filter(({ facts }) => facts.threshold !== undefined).map(({ name, facts }) => [name, facts.threshold])),
  ...(await judge()),
};
print(measured);
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(new URL(`results/${values.name}.json`, import.meta.url), `${JSON.stringify(measured, null, 2)}\n`);
console.log(`\nreport ${join(out, 'report.html')}`);

/** Run a program to its end; its largest resident memory in bytes. */
async function run(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const peak = peakMemory(child.pid);
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return peak();
}

async function judge() {
  const byPath = new Map(truth.map((row) => [join(heap, row.path), row]));
  const { columns } = await readTable(join(out, 'images.parquet'), ['path']);
  const about = Array.from(columns.path, (path) => byPath.get(resolve(path)));
  const idOf = new Map(about.map((row, id) => [row?.path, id]));
  const decisions = {};
  for (const { step, kind } of steps) {
    const table = (await readTable(join(out, 'steps', step, 'decisions.parquet'), ['id', 'keep', 'reason', 'relatedId', 'times'])).columns;
    decisions[kind] = Array.from(table.id, (id, i) => ({ id: Number(id), keep: Boolean(table.keep[i]), reason: table.reason[i], related: table.relatedId[i] === null ? undefined : Number(table.relatedId[i]), times: table.times[i] }));
  }

  // Where a duplicate was traced to, through all steps.
  const parent = new Map();
  for (const kind of ['exact', 'selfDeduplicate']) for (const { id, keep, related } of decisions[kind] ?? []) if (!keep) parent.set(id, related);
  const rootOf = (id) => {
    while (parent.has(id)) id = parent.get(id);
    return id;
  };
  const entered = new Set(decisions.exact.map(({ id }) => id));
  const recall = {};
  for (const id of entered) {
    const row = about[id];
    if (row.kind !== 'copy') continue;
    const of = idOf.get(row.of);
    // Copies of held-out pictures and of pictures that were filtered out have nothing to be traced to.
    if (!entered.has(of)) continue;
    const one = (recall[row.variety] ??= { planted: 0, found: 0 });
    one.planted++;
    if (rootOf(id) === rootOf(of)) one.found++;
  }
  const dropped = ['exact', 'selfDeduplicate'].flatMap((kind) => (decisions[kind] ?? []).filter(({ keep }) => !keep).map(({ id, reason, related }) => ({ reason, row: about[id], root: about[related] })));
  const precisionOf = (some) => ({ dropped: some.length, right: some.filter(({ row, root }) => row.group === root.group).length, sameConcept: some.filter(({ row, root }) => row.concept === root.concept).length });
  const leaks = decisions.relativeDeduplicate ?? [];
  const isLeak = (id) => about[id].of.startsWith('evaluation/');
  const concepts = (ids) => entropy(tally(ids.map((id) => about[id]).filter(({ concept }) => concept), ({ concept }) => concept));
  const all = about.flatMap((row, id) => (row && row.kind !== 'evaluation' ? [id] : []));
  const left = (kind) => (decisions[kind] ?? []).flatMap(({ id, times }) => Array(times).fill(id));
  const final = left(steps.at(-1).kind);
  return {
    recall,
    precision: {
      ...Object.fromEntries([...new Set(dropped.map(({ reason }) => reason))].map((reason) => [reason, precisionOf(dropped.filter((one) => one.reason === reason && one.row.kind !== 'junk'))])),
      all: precisionOf(dropped.filter(({ row }) => row.kind !== 'junk')),
      junk: precisionOf(dropped.filter(({ row }) => row.kind === 'junk')),
    },
    filter: {
      junk: Object.fromEntries(Object.keys(tally(truth.filter(({ kind }) => kind === 'junk'), ({ variety }) => variety)).map((variety) => [variety, share(decisions.filter.filter(({ id }) => about[id].variety === variety), ({ keep }) => !keep)])),
      pictures: share(decisions.filter.filter(({ id }) => about[id].kind !== 'junk'), ({ keep }) => !keep),
    },
    unreadable: { planted: truth.filter(({ kind }) => kind === 'broken').length, found: truth.filter(({ kind, path }) => kind === 'broken' && !idOf.has(path)).length },
    heldOut: { leaks: share(leaks.filter(({ id }) => isLeak(id)), ({ keep }) => !keep), others: share(leaks.filter(({ id }) => !isLeak(id)), ({ keep }) => !keep) },
    entropy: {
      atMost: Math.log2(new Set(truth.map(({ concept }) => concept).filter(Boolean)).size),
      heap: concepts(all),
      afterDuplicates: concepts(left('selfDeduplicate')),
      curated: concepts(final),
    },
    final: { images: final.length, groups: new Set(final.map((id) => about[id].group)).size, junk: final.filter((id) => about[id].kind === 'junk').length, sources: tally(final.map((id) => about[id]), ({ source }) => source), heap: tally(all.map((id) => about[id]), ({ source }) => source) },
  };
}

function share(rows, is) {
  return { of: rows.length, are: rows.filter(is).length };
}

function tally(rows, key) {
  const counts = {};
  for (const row of rows) counts[key(row)] = (counts[key(row)] ?? 0) + 1;
  return counts;
}

function print({ recall, precision, filter, unreadable, heldOut, entropy, final, stepSeconds, peakMemoryMiB, thresholds }) {
  console.log('\nplanted copies      planted    found   recall');
  for (const [kind, { planted, found }] of Object.entries(recall)) console.log(`  ${kind.padEnd(16)} ${String(planted).padStart(8)} ${String(found).padStart(8)}  ${percent(found, planted)}`);
  for (const [kind, { dropped, right, sameConcept }] of Object.entries(precision)) {
    if (dropped > 0) console.log(`dropped as copies, ${kind.padEnd(18)} ${String(dropped).padStart(6)}: ${percent(right, dropped)} right, ${percent(sameConcept, dropped)} of the same concept`);
  }
  for (const [kind, { of, are }] of Object.entries(filter.junk)) console.log(`junk filtered, ${kind.padEnd(9)} ${are} of ${of}`);
  console.log(`pictures filtered        ${filter.pictures.are} of ${filter.pictures.of}`);
  console.log(`broken files reported    ${unreadable.found} of ${unreadable.planted}`);
  console.log(`leaks of held-out pictures dropped ${heldOut.leaks.are} of ${heldOut.leaks.of}, others with them ${heldOut.others.are} of ${heldOut.others.of}`);
  console.log(`entropy over concepts, of ${entropy.atMost.toFixed(2)} bits: heap ${entropy.heap.toFixed(2)}, after duplicates ${entropy.afterDuplicates.toFixed(2)}, curated ${entropy.curated.toFixed(2)}`);
  console.log(`curated: ${final.images} images of ${final.groups} pictures, ${final.junk} junk`);
  console.log(`thresholds ${JSON.stringify(thresholds)}, seconds ${JSON.stringify(stepSeconds)}, peak ${peakMemoryMiB} MiB`);
}
