// The DINOv2 pretraining step on a GPU: ours through a PJRT plugin against PyTorch at its best.
//
//   ./run.sh [--models s,b,l,g] [--budget 540] [--python python3] [--plugin PATH]       from the archive of pack.mjs
//   node bench/gpu/run.mjs …                                                            in the repository, after `npm run build`
//
// For every model: the official batch, both programs in turns and each in a process of its own, ours first without and
// then with its cache; then the largest batch that fits either; then the trainer with its input pipeline. Before all
// that both show that they compute the same step. `--phases` picks from official, largest, feed, track, parity.
//
// PyTorch's best is looked for: from `--torch` (torch.compile block by block or of the whole step; autocast or bfloat16
// parameters; who computes attention), one of `--torch-tries` after the other is kept if it is faster. The fastest is
// what we are compared with; all of them are in the JSON.
//
// Ends within `--budget` seconds: what no time is left for is missing in the table and in the JSON, which is written after
// every measurement to --out, else $OUT/gpu.json, else gpu.json (in the repository bench/results/gpu.json). What that file
// holds of the same card already stays, but for the models and phases that are measured again: large models can have an
// invocation for each phase.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findPlugins } from '@dinov2/engine-xla';
import { peakFlops } from './cards.mjs';
import { runChild } from './child.mjs';
import { card } from './driver.mjs';
import { compare, judge, median } from './goals.mjs';
import { modelNames, recipe } from './recipes.mjs';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 's,b,l,g' },
    phases: { type: 'string', default: 'parity,official,largest,feed,track' },
    budget: { type: 'string', default: '540' },
    rounds: { type: 'string', default: '2' },
    steps: { type: 'string', default: '20' },
    python: { type: 'string', default: 'python3' },
    plugin: { type: 'string' },
    'plugin-option': { type: 'string', multiple: true },
    engine: { type: 'string', default: 'xla' },
    torch: { type: 'string', default: 'blocks autocast auto' },
    'torch-tries': { type: 'string', default: 'masters,cudnn,graph,whole' },
    pictures: { type: 'string' },
    out: { type: 'string' },
  },
});

const started = performance.now();
const left = () => Number(values.budget) - (performance.now() - started) / 1000;
const here = fileURLToPath(new URL('.', import.meta.url));
const packed = existsSync(join(here, 'node'));
const out = resolve(values.out ?? (process.env.OUT ? join(process.env.OUT, 'gpu.json') : packed ? 'gpu.json' : join(here, '../results/gpu.json')));
const pictures = values.pictures ?? [join(here, 'pictures'), join(here, '../../apps/pretrain/sample/pictures')].find((path) => existsSync(path));
const models = values.models.split(',');
const unknown = models.find((name) => !modelNames.includes(name));
if (unknown !== undefined) stop(`there is no model "${unknown}"; the models are ${modelNames.join(', ')}`);
const phases = new Set(values.phases.split(','));

const gpu = card();
const plugin = values.engine === 'xla' ? await choosePlugin() : undefined;
const scratch = mkdtempSync(join(tmpdir(), 'gpu-'));
// Compiled steps and PyTorch's kernels begin cold in every invocation.
const cache = join(scratch, 'steps');
const environment = { TORCHINDUCTOR_CACHE_DIR: join(scratch, 'inductor'), TRITON_CACHE_DIR: join(scratch, 'triton') };
const wanted = (phase) => phases.has(phase);
const before = earlier();
const result = {
  date: new Date().toISOString(),
  machine: { card: gpu, cpu: cpus()[0].model, cores: availableParallelism(), node: process.version, plugin },
  parity: before?.parity,
  track: before?.track,
  models: { ...before?.models },
};
for (const name of models) {
  const known = result.models[name];
  const runs = (size) => (wanted(size) ? undefined : known?.runs[size]) ?? { ours: [], torch: [] };
  result.models[name] = { ...known, runs: { official: runs('official'), largest: runs('largest') } };
}
const base = readVariant(values.torch);

try {
  const hasTorch = await lookAtTorch();
  if (wanted('parity') && hasTorch) await measure('parity', () => ours('parity', ['--python', values.python]), (run) => (result.parity = run));
  for (const name of models) {
    if (wanted('official')) await official(name);
    if (wanted('largest') && gpu !== undefined) await largest(name);
    if (wanted('feed')) await measure(`${name}: feeding`, () => ours('feed', ['--model', name, '--pictures', pictures, '--cache', cache]), (run) => (result.models[name].feed = run));
  }
  if (wanted('track')) {
    // Of the smallest model asked for; `micro` where there is only the CPU.
    const model = gpu === undefined ? 'micro' : models[0];
    await measure(`${model}: bfloat16 beside float32`, () => ours('track', ['--model', model, '--batch', '8']), (run) => (result.track = run));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
report();

/** The path of the plugin, or the end with a sentence on how to get one. */
async function choosePlugin() {
  if (values.plugin !== undefined) return resolve(values.plugin);
  // The environment of `--python` comes first.
  const folders = values.python.includes('/') ? [dirname(dirname(resolve(values.python)))] : [];
  const found = await findPlugins({ folders });
  const usable = found.find(({ usable: can, path }) => can && path !== undefined);
  if (usable === undefined) {
    const reasons = found.map(({ kind, reason, remedy }) => `  ${kind}: ${reason}${remedy ? `; ${remedy}` : ''}`);
    stop(`no usable PJRT plugin was found:\n${reasons.join('\n')}\n  or pass --plugin PATH`);
  }
  return usable.path;
}

/** @returns whether there is a PyTorch at all; the steps need one that sees the card. */
async function lookAtTorch() {
  const found = await torch(['--matmul']);
  const event = found.events?.find(({ event: kind }) => kind === 'matmul');
  if (event === undefined) {
    const [last] = (found.failed ?? 'it said nothing').split(' | ').slice(-1);
    result.torchMissing = `PyTorch is left out: ${values.python}: ${last}. Pass --python with an environment that has torch.`;
  } else {
    result.machine.torch = event.torch;
    result.machine.productFlops = event.flopsPerSecond;
    if (gpu !== undefined && event.device === 'CPU') {
      result.torchMissing = `PyTorch is left out: the one of ${values.python} (${event.torch}) sees no GPU. Pass --python with one that does.`;
    }
  }
  if (result.torchMissing !== undefined) console.log(result.torchMissing);
  return event !== undefined;
}

async function official(name) {
  const { runs } = result.models[name];
  const args = ['--model', name, '--cache', cache, '--steps', values.steps];
  for (let round = 0; round < Number(values.rounds); round++) {
    await measure(`${name}: ours, ${round === 0 ? 'cold' : 'with the cache'}`, () => ours('ours', args), (run) => {
      runs.official.ours.push(run);
      result.models[name].start = { cold: runs.official.ours[0].firstStepSeconds, cached: runs.official.ours[1]?.firstStepSeconds };
    });
    if (round === 0) await findBest(name);
    else await measure(`${name}: PyTorch again`, () => torchStep(name, variantOf(name), []), (run) => runs.official.torch.push(run));
  }
}

/** Try PyTorch's ways one after the other; the runs of the fastest are those that are compared. */
async function findBest(name) {
  const { official: kept } = result.models[name].runs;
  kept.others = [];
  const changes = values['torch-tries'].split(',').filter((word) => word !== '' && (gpu !== undefined || word !== 'graph'));
  for (const change of ['', ...changes]) {
    const variant = readVariant(change, variantOf(name));
    await measure(`${name}: PyTorch, ${describe(variant)}`, () => torchStep(name, variant, []), (run) => {
      const [quickest] = kept.torch;
      if (quickest === undefined || median(run.seconds) < median(quickest.seconds)) {
        kept.others.push(...kept.torch);
        kept.torch = [run];
      } else kept.others.push(run);
    });
  }
}

/** The fastest known way of PyTorch. */
function variantOf(name) {
  return result.models[name].runs.official.torch[0]?.variant ?? base;
}

async function largest(name) {
  const { runs } = result.models[name];
  const multiple = name === 's' || name === 'b' ? '8' : '4';
  const size = ['--largest', '--multiple', multiple];
  await measure(`${name}: ours, largest batch`, () => ours('ours', ['--model', name, '--steps', values.steps, ...size]), (run) => runs.largest.ours.push(run));
  // A captured graph keeps its memory; the same variant without one grows further.
  const variant = { ...variantOf(name), graph: false };
  await measure(`${name}: PyTorch, largest batch`, () => torchStep(name, variant, size), (run) => runs.largest.torch.push(run));
}

function ours(program, args) {
  // The driver's count is that of the run and not of a pool, and a run may have nearly the whole card.
  const pool = gpu === undefined || values.engine !== 'xla' ? [] : ['preallocate=false', 'memory_fraction=0.97'];
  const options = [...pool, ...(values['plugin-option'] ?? [])].flatMap((option) => ['--plugin-option', option]);
  return runChild(process.execPath, [join(here, `${program}.mjs`), '--engine', values.engine, ...(plugin ? ['--plugin', plugin] : []), ...options, ...args], {
    seconds: left(), environment,
  });
}

function torch(args) {
  return runChild(values.python, [join(here, 'torch_step.py'), ...args], { seconds: left(), environment });
}

async function torchStep(name, variant, args) {
  if (result.torchMissing !== undefined) return { failed: 'PyTorch is missing' };
  const file = join(scratch, `${name}.json`);
  writeFileSync(file, JSON.stringify(recipe(name)));
  const { compile, precision, attention, graph } = variant;
  const choice = ['--compile', compile, '--precision', precision, '--attention', attention, ...(graph ? ['--graph'] : [])];
  return torch(['--config', file, '--steps', values.steps, ...choice, ...args]);
}

/** `whole autocast flash graph`: what is not said stays as it is in `from`. */
function readVariant(text, from = { compile: 'blocks', precision: 'autocast', attention: 'auto', graph: false }) {
  const words = text.split(' ').filter((word) => word !== '');
  const among = (options) => words.find((word) => options.includes(word));
  return {
    compile: among(['none', 'blocks', 'whole']) ?? from.compile,
    precision: among(['autocast', 'masters', 'float32']) ?? from.precision,
    attention: among(['auto', 'flash', 'cudnn']) ?? from.attention,
    graph: words.includes('graph') || from.graph,
  };
}

function describe({ compile, precision, attention, graph }) {
  return [`compile ${compile}`, precision, `attention ${attention}`, ...(graph ? ['CUDA graph'] : [])].join(', ');
}

/** What was measured on this card before. */
function earlier() {
  if (!existsSync(out)) return undefined;
  const known = JSON.parse(readFileSync(out, 'utf8'));
  return known.machine?.card?.name === gpu?.name ? known : undefined;
}

/** One process, if there is time for it; what it gave is kept and written. */
async function measure(what, run, keep) {
  if (left() < 20) {
    console.log(`${what}: no time left`);
    return;
  }
  const begin = performance.now();
  const outcome = await run();
  const took = `${((performance.now() - begin) / 1000).toFixed(0)} s`;
  if (outcome.failed !== undefined) {
    console.log(`${what}: ${outcome.failed}`);
    (result.failures ??= []).push({ what, why: outcome.failed });
  } else if (outcome.outOfMemory) {
    console.log(`${what}: batch ${outcome.batch} does not fit`);
    (result.failures ??= []).push({ what, why: `batch ${outcome.batch} does not fit` });
  } else {
    keep(outcome);
    const rate = outcome.seconds && `${(outcome.batch / median(outcome.seconds)).toFixed(1)} images/s at batch ${outcome.batch}, `;
    console.log(`${what}: ${rate ?? ''}took ${took}`);
  }
  write();
}

/** Compare what there is so far and write it. */
function write() {
  const peak = gpu && peakFlops(gpu.name);
  const compared = {};
  for (const [name, model] of Object.entries(result.models)) {
    compared[name] = { start: model.start, feed: model.feed };
    for (const size of ['official', 'largest']) {
      const { ours: mine, torch: theirs } = model.runs[size];
      if (mine.length + theirs.length > 0) compared[name][size] = compare({ ours: mine, torch: theirs }, peak);
    }
  }
  const goals = judge({ models: compared, parity: result.parity, track: result.track });
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify({ ...result, peakFlopsPerSecond: peak, compared, goals }, null, 1)}\n`);
  return { compared, goals };
}

function report() {
  const { compared, goals } = write();
  const text = (x, digits = 1) => (x === undefined ? '–' : x.toFixed(digits));
  const gib = (bytes) => text(bytes === undefined ? undefined : bytes / 2 ** 30);
  const rows = {};
  for (const [name, model] of Object.entries(compared)) {
    for (const size of ['official', 'largest']) {
      const row = model[size];
      if (row === undefined) continue;
      rows[`${name}, ${size}`] = {
        'batch, ours/torch': `${row.batch.ours ?? '–'} / ${row.batch.torch ?? '–'}`,
        'images/s': `${text(row.imagesPerSecond.ours)} / ${text(row.imagesPerSecond.torch)}`,
        ratio: text(row.imagesPerSecond.ratio, 2),
        'peak GiB': `${gib(row.peakBytes.ours)} / ${gib(row.peakBytes.torch)}`,
        'memory ratio': text(row.peakBytes.ratio, 2),
        'driver GiB': `${gib(row.driverBytes.ours)} / ${gib(row.driverBytes.torch)}`,
        'MFU %': `${text(row.utilisation.ours && 100 * row.utilisation.ours)} / ${text(row.utilisation.torch && 100 * row.utilisation.torch)}`,
      };
    }
  }
  console.table(rows);
  if (gpu === undefined) console.log('nvidia-smi finds no card: these figures say that the programs run and nothing else.');
  if (gpu !== undefined && peakFlops(gpu.name) === undefined) console.log(`MFU is not stated: the peak of "${gpu.name}" is not in cards.mjs.`);
  for (const { goal, holds, shown } of goals) console.log(`${holds === undefined ? '  ' : holds ? '✓ ' : '✗ '}${goal}: ${shown}`);
  console.log(`Written to ${out} after ${((performance.now() - started) / 1000).toFixed(0)} s.`);
}

function stop(message) {
  console.error(message);
  process.exit(2);
}
