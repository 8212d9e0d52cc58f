// The paper's claim in miniature (Table 2, "uncurated" against LVD-142M): a small model pretrained on the curated set against
// one pretrained for the same steps on as many random images of the same heap, judged by k-NN on labelled pictures that
// neither has seen.
//
//   npm run build && node bench/curated-vs-random.mjs [--heap /tmp/heap] [--count 20000] [--images 2000] [--steps 300]
//       [--seeds 3] [--weights pixels | RUN | network] [--manifest RUN/manifest.jsonl] [--out /tmp/curated-vs-random] [--name curated-vs-random]
//
// Nothing is used for curation that the random side does not have, and no label: embeddings are raw pixels (8 × 8 colours), or
// with `--weights network` those of a network that was itself pretrained on random images of the heap. Both sides use one recipe (support/heap.yaml), the same steps and the same seeds,
// and take turns; each seed of the random side draws its own images. `--manifest` skips the curation. Finished trainings
// are kept and not repeated. Writes bench/results/<name>.json.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateHeap, readTruth } from '@dinov2/curation';
import { createRandom } from '@dinov2/primitives';
import { entropy, planText, randomFiles } from './support/heap.mjs';

const { values } = parseArgs({
  options: {
    heap: { type: 'string', default: '/tmp/heap' },
    count: { type: 'string', default: '20000' },
    images: { type: 'string', default: '2000' },
    steps: { type: 'string', default: '300' },
    seeds: { type: 'string', default: '3' },
    weights: { type: 'string', default: 'pixels' },
    manifest: { type: 'string' },
    out: { type: 'string', default: '/tmp/curated-vs-random' },
    name: { type: 'string', default: 'curated-vs-random' },
  },
});
const [count, images, steps, seeds] = [values.count, values.images, values.steps, values.seeds].map(Number);
const [heap, out] = [resolve(values.heap), resolve(values.out)];
const recipe = fileURLToPath(new URL('support/heap.yaml', import.meta.url));
const program = (path) => fileURLToPath(new URL(`../${path}/dist/main.js`, import.meta.url));
mkdirSync(out, { recursive: true });

if (!existsSync(join(heap, 'truth.csv'))) await generateHeap(heap, { count, seed: 0 });
const truth = await readTruth(heap);
const byPath = new Map(truth.map((row) => [join(heap, row.path), row]));

const manifest = resolve(values.manifest ?? (await curate()));
const curated = readFileSync(manifest, 'utf8').trim().split('\n').map((line) => resolve(JSON.parse(line).path));
const runs = [];
for (let seed = 0; seed < seeds; seed++) {
  const random = randomFiles(heap, truth, curated.length, createRandom(1000 + seed));
  const sides = [['curated', curated], ['random', random]];
  for (const [side, files] of seed % 2 === 0 ? sides : sides.reverse()) {
    runs.push({ side, seed, ...describe(files), ...(await train(`${side}-${seed}`, files, seed)) });
    const { knn, start } = runs.at(-1);
    console.log(`\n${side} ${seed}: k-NN ${show(start)} -> ${show(knn)}, ${runs.at(-1).pictures} pictures, ${runs.at(-1).entropy.toFixed(2)} bits\n`);
  }
}

const ks = Object.keys(runs[0].knn);
const of = (side, k) => runs.filter((run) => run.side === side).map(({ knn }) => knn[k]);
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
const summary = Object.fromEntries(
  ks.map((k) => {
    const differences = of('curated', k).map((_, seed) => pick('curated', seed, k) - pick('random', seed, k));
    const spread = Math.sqrt(differences.reduce((sum, d) => sum + (d - mean(differences)) ** 2, 0) / Math.max(1, differences.length - 1));
    return [k, { curated: mean(of('curated', k)), random: mean(of('random', k)), difference: mean(differences), standardError: spread / Math.sqrt(differences.length) }];
  }),
);
console.log(`  k   random weights   random images   curated   difference`);
for (const [k, { curated, random, difference, standardError }] of Object.entries(summary)) {
  console.log(`${k.padStart(3)} ${show1(mean(runs.map(({ start }) => start[k]))).padStart(16)} ${show1(random).padStart(15)} ${show1(curated).padStart(9)}   ${(100 * difference).toFixed(1)} ± ${(100 * standardError).toFixed(1)} points`);
}
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(
  new URL(`results/${values.name}.json`, import.meta.url),
  `${JSON.stringify({ machine: { cpu: cpus()[0].model, cores: cpus().length, load: loadavg()[0] }, heap: { files: truth.length, count }, steps, images: curated.length, summary, runs }, null, 2)}\n`,
);

function pick(side, seed, k) {
  return runs.find((run) => run.side === side && run.seed === seed).knn[k];
}

/** Curate the heap by raw pixels, given weights, or what a network sees that was pretrained on random images of it. */
async function curate() {
  const isNetwork = values.weights === 'network';
  if (isNetwork) await train('network', randomFiles(heap, truth, images, createRandom(999)), 99);
  const weights = isNetwork ? join(out, 'network') : values.weights === 'pixels' ? 'pixels' : resolve(values.weights);
  const plan = join(out, 'plan.yaml');
  const run = join(out, 'curated');
  writeFileSync(plan, planText({ heap, out: run, weights, images, seed: 0 }));
  await start([program('packages/curation'), 'run', plan]);
  return join(run, 'manifest.jsonl');
}

/** Train on files, or take the finished run. Accuracies of the start and the end by k. */
async function train(name, files, seed) {
  const [run, list] = [join(out, name), join(out, `${name}.txt`)];
  const text = `${files.join('\n')}\n`;
  const results = () => (existsSync(join(run, 'evaluations.jsonl')) ? readFileSync(join(run, 'evaluations.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : []);
  const isFinished = existsSync(list) && readFileSync(list, 'utf8') === text && results().at(-1)?.iteration === steps;
  writeFileSync(list, text);
  if (!isFinished) await start([program('apps/pretrain'), '--data', list, '--eval', join(heap, 'evaluation'), '--config', recipe, '--steps', String(steps), '--seed', String(seed), '--out', run, `evaluateEvery=${steps}`]);
  const evaluations = results();
  return { start: evaluations[0].knn, knn: evaluations.at(-1).knn };
}

async function start(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
}

/** What the files show, by the truth that nothing but this line looks at. */
function describe(files) {
  const rows = files.map((path) => byPath.get(path));
  const concepts = {};
  for (const { concept } of rows) if (concept) concepts[concept] = (concepts[concept] ?? 0) + 1;
  return {
    images: files.length,
    pictures: new Set(rows.filter(({ kind }) => kind !== 'junk').map(({ group }) => group)).size,
    junk: rows.filter(({ kind }) => kind === 'junk').length,
    entropy: entropy(concepts),
  };
}

function show(knn) {
  return Object.entries(knn).map(([k, share]) => `${show1(share)} (k = ${k})`).join(', ');
}

function show1(share) {
  return `${(100 * share).toFixed(1)} %`;
}
