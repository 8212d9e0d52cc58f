// What damaged weight files do: each is loaded whole, or refused with a WeightsError. Anything else is counted as "other".
// Usage: node bench/fuzz-weights.mjs [--mutations 1500] [--seed 1]; needs `npm run build`.
//
// Every format runs in a process of its own, on small files written by the format's own library (and small models written
// here for loadPretrained). "peak" is how much resident memory grew above that after loading the sound file.
// Prints a table and writes bench/results/fuzz-weights.json; the exit status is 1 if anything but loading and refusing happened.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadPretrained, openWeights, saveBackbone, saveHuggingFace, WeightsError } from '@dinov2/weights';
import { initialize, vitConfig } from '@dinov2/vit';
import { mutate, seeded } from '../tests/support/mutations.mjs';

const { values } = parseArgs({
  options: {
    mutations: { type: 'string', default: '1500' },
    seed: { type: 'string', default: '1' },
    format: { type: 'string' },
  },
});

const golden = (name) => fileURLToPath(new URL(`../packages/weights/src/files/golden/${name}`, import.meta.url));

/** Read all tensors of a file. */
async function readAll(path, options) {
  const file = await openWeights(path, options);
  try {
    for (const [name, { shape }] of file.entries) {
      const { data } = await file.read(name);
      if (data.length !== shape.reduce((a, b) => a * b, 1)) throw new Error(`"${name}" has ${data.length} elements, its shape is [${shape}]`);
    }
  } finally {
    await file.close();
  }
}

const pretrained = (path) => loadPretrained(path, { log: false });
const config = vitConfig('small', { patchSize: 2, imageSize: 8, embedDim: 8, depth: 1, heads: 2, registers: 1 });
const model = { config, parameters: initialize(config, 1) };
const huggingFaceFolder = (folder) => saveHuggingFace(folder, model, { log: false });

/** What is damaged, and how the result is opened: { files to damage, path to open, load }. */
const formats = {
  safetensors: (folder) => {
    const path = join(folder, 'python.safetensors');
    writeFileSync(path, readFileSync(golden('python.safetensors')));
    return { files: [path], load: () => readAll(path) };
  },
  'sharded safetensors': async (folder) => {
    const shard = join(folder, 'model-00001-of-00001.safetensors');
    const index = join(folder, 'model.safetensors.index.json');
    writeFileSync(shard, readFileSync(golden('python.safetensors')));
    const { entries, close } = await openWeights(shard);
    await close();
    const weightMap = Object.fromEntries([...entries.keys()].map((name) => [name, basename(shard)]));
    writeFileSync(index, JSON.stringify({ metadata: { total_size: 300 }, weight_map: weightMap }));
    return { files: [index, shard], load: () => readAll(folder) };
  },
  '.pth': (folder) => pickles(folder, { verifyChecksums: true }),
  '.pth, checksums ignored': (folder) => pickles(folder, { verifyChecksums: false }),
  'backbone of a run': async (folder) => {
    const path = join(folder, 'backbone.safetensors');
    await saveBackbone(path, model);
    return { files: [path], load: () => pretrained(folder) };
  },
  'model.safetensors of a Hugging Face folder': async (folder) => {
    await huggingFaceFolder(folder);
    return { files: [join(folder, 'model.safetensors')], load: () => pretrained(folder) };
  },
  'config.json': async (folder) => {
    await huggingFaceFolder(folder);
    return { files: [join(folder, 'config.json')], load: () => pretrained(folder) };
  },
  'preprocessor_config.json': async (folder) => {
    await huggingFaceFolder(folder);
    return { files: [join(folder, 'preprocessor_config.json')], load: () => pretrained(folder) };
  },
};

function pickles(folder, options) {
  const files = ['tensors', 'checkpoint', 'protocol4', 'plain2', 'plain3', 'plain5'].map((name) => {
    const path = join(folder, `${name}.pth`);
    writeFileSync(path, readFileSync(golden(`${name}.pth`)));
    return path;
  });
  return { files, load: (path) => readAll(path, options) };
}

const megabytes = (key) => Number(readFileSync('/proc/self/status', 'utf8').match(new RegExp(`${key}:\\s+(\\d+) kB`))[1]) / 1024;

async function fuzz(format) {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-weights-'));
  const result = { format, mutations: 0, loaded: 0, refused: 0, other: [], peakMegabytes: 0, slowest: { milliseconds: 0 } };
  // An error outside of any promise would end the process.
  process.on('uncaughtException', (error) => result.other.push(`uncaught: ${error.stack}`));
  try {
    const { files, load } = await formats[format](folder);
    const originals = files.map((path) => new Uint8Array(readFileSync(path)));
    for (let i = 0; i < 50; i++) for (const path of files) await load(path);
    const before = megabytes('VmHWM');
    for (let i = 0; i < Number(values.mutations); i++) {
      const which = i % files.length;
      const { bytes, mutation } = mutate(originals[which], seeded(Number(values.seed) * 1_000_003 + i));
      writeFileSync(files[which], bytes);
      const start = performance.now();
      try {
        await load(files[which]);
        result.loaded++;
      } catch (error) {
        if (error instanceof WeightsError) result.refused++;
        else result.other.push(`${basename(files[which])}, mutation ${i} (${mutation}): ${error.stack}`);
      }
      const milliseconds = performance.now() - start;
      if (milliseconds > result.slowest.milliseconds) result.slowest = { milliseconds, mutation: i, kind: mutation };
      result.mutations++;
      writeFileSync(files[which], originals[which]);
    }
    result.peakMegabytes = megabytes('VmHWM') - before;
  } finally {
    rmSync(folder, { recursive: true });
  }
  return result;
}

if (values.format !== undefined) {
  console.log(JSON.stringify(await fuzz(values.format)));
} else {
  const results = [];
  console.log('format                                      mutations   loaded  refused    other   peak MB  slowest ms');
  for (const format of Object.keys(formats)) {
    const args = [fileURLToPath(import.meta.url), '--format', format, '--mutations', values.mutations, '--seed', values.seed];
    const result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 28 }).trim().split('\n').at(-1));
    results.push(result);
    const columns = [result.mutations, result.loaded, result.refused, result.other.length, result.peakMegabytes.toFixed(1), result.slowest.milliseconds.toFixed(1)];
    console.log(format.padEnd(44) + columns.map((value) => String(value).padStart(9)).join(''));
    for (const error of result.other.slice(0, 3)) console.log(`  ${error}`);
  }
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  const other = results.reduce((sum, result) => sum + result.other.length, 0);
  console.log(`${'all'.padEnd(44)}${[total('mutations'), total('loaded'), total('refused'), other].map((value) => String(value).padStart(9)).join('')}`);
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  writeFileSync(
    new URL('results/fuzz-weights.json', import.meta.url),
    `${JSON.stringify({ cpu: cpus()[0].model, node: process.version, date: new Date().toISOString(), seed: Number(values.seed), mutations: total('mutations'), loaded: total('loaded'), refused: total('refused'), other, formats: results }, null, 2)}\n`,
  );
  process.exitCode = other === 0 ? 0 : 1;
}
