// What a few minutes of pretraining on two cores are worth: every evaluation of `dinov2-probe` on features of
// a run, of random weights of its architecture and of raw pixels, with the same heads.
// Usage: node bench/probe-demo.mjs [--out FOLDER] [--cache FOLDER]; needs `npm run build`.
//
// Classification and retrieval: the run of the shipped sample, on the sample. Segmentation and depth: a run on the
// training pictures of 960 made-up scenes (recipe `scenes`), heads on 240 others, tested on 60 more.
// What is there already is kept, so a killed demonstration goes on where it was.
// Prints a table for docs/probing.md and writes bench/results/probe-demo.json.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'runs/probe-demo' },
    cache: { type: 'string' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const program = (name) => join(root, 'apps', name, 'dist', 'main.js');
const place = (...names) => join(values.out, ...names);
const cache = values.cache ?? place('cache');
mkdirSync(values.out, { recursive: true });

/** Run a program unless what it makes is there; gives the seconds it took, now or then. */
function run(made, name, args) {
  const record = place('seconds.json');
  const seconds = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {};
  const key = [name, ...args].join(' ');
  if (existsSync(made) && key in seconds) return seconds[key];
  console.log(`\n$ dinov2-${key}`);
  const start = performance.now();
  const { status } = spawnSync(process.execPath, [program(name), ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`dinov2-${key} ended with ${status}`);
  seconds[key] = (performance.now() - start) / 1000;
  writeFileSync(record, JSON.stringify(seconds, null, 2));
  return seconds[key];
}

const scenes = place('scenes');
const [pretraining, sampleRun, scenesRun] = [place('pretraining-scenes'), place('sample-run'), place('scenes-run')];
const minutes = {
  'pretraining on the sample': run(join(sampleRun, 'report.html'), 'pretrain', ['--out', sampleRun]),
  'making up the scenes': run(join(scenes, 'classes.json'), 'probe', ['scenes', scenes, '--size', '112']),
  'making up those to pretrain on': run(join(pretraining, 'classes.json'), 'probe', ['scenes', pretraining, '--count', '960', '--size', '112', '--seed', '11']),
};
minutes['pretraining on scenes'] = run(join(scenesRun, 'report.html'), 'pretrain', [
  '--config', 'scenes', '--data', join(pretraining, 'train', 'images'), '--out', scenesRun,
]);

const evaluations = [
  { name: 'k-NN', metrics: ['top-1, k = 10', 'top-1, k = 1'], weights: sampleRun, args: ['knn', '--k', '1,10'] },
  { name: 'linear', metrics: ['top-1'], weights: sampleRun, args: ['linear', '--iterations', '1000'] },
  { name: 'logistic', metrics: ['top-1'], weights: sampleRun, args: ['logistic'] },
  { name: 'retrieval', metrics: ['mAP', 'GAP'], weights: sampleRun, args: ['retrieval'] },
  { name: 'segmentation', metrics: ['mIoU'], weights: scenesRun, args: ['segmentation', '--size', '112', '--iterations', '300', '--data', scenes] },
  { name: 'segmentation, +ms', metrics: ['mIoU'], weights: scenesRun, args: ['segmentation', '--multiscale', '--size', '112', '--iterations', '300', '--data', scenes] },
  { name: 'depth, 1 block', metrics: ['RMSE', 'δ1'], weights: scenesRun, args: ['depth', '--max-depth', '30', '--size', '112', '--iterations', '300', '--data', scenes] },
  { name: 'depth, 4 blocks', metrics: ['RMSE', 'δ1'], weights: scenesRun, args: ['depth', '--head', 'linear4', '--max-depth', '30', '--size', '112', '--iterations', '300', '--data', scenes] },
];
const rows = [];
for (const { name, metrics, weights, args } of evaluations) {
  const out = place('results', name.replace(/\W+/g, '-'));
  const seconds = run(join(out, 'result.json'), 'probe', [...args, '--weights', weights, '--baselines', '--cache', cache, '--out', out]);
  const result = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
  for (const metric of metrics) {
    const of = (measured) => measured?.metrics[metric];
    const row = { name, metric, own: of(result), random: of(result.baselines?.['random weights']), pixels: of(result.baselines?.['raw pixels']), seconds };
    if (row.own === undefined) throw new Error(`${out} has no ${metric}; there is ${Object.keys(result.metrics).join(', ')}`);
    rows.push(row);
  }
}

const isError = (metric) => metric === 'RMSE';
const show = (metric, value) => (value === undefined || value === null ? '–' : isError(metric) ? `${value.toFixed(2)} m` : `${(100 * value).toFixed(1)} %`);
console.log('\n| evaluation | | pretrained | random weights | raw pixels | time |\n|---|---|---|---|---|---|');
for (const { name, metric, own, random, pixels, seconds } of rows) {
  console.log(`| ${name} | ${metric}${isError(metric) ? ' ↓' : ''} | **${show(metric, own)}** | ${show(metric, random)} | ${show(metric, pixels)} | ${Math.round(seconds)} s |`);
}
for (const [what, seconds] of Object.entries(minutes)) console.log(`${what}: ${Math.round(seconds)} s`);
const results = new URL('results/', import.meta.url);
mkdirSync(results, { recursive: true });
const machine = { cpu: cpus()[0].model.trim(), cores: cpus().length, node: process.version };
writeFileSync(new URL(`${basename(import.meta.url, '.mjs')}.json`, results), `${JSON.stringify({ machine, rows, seconds: minutes }, null, 2)}\n`);
