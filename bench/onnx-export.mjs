// Exported ONNX models in onnxruntime-node: size, memory, time, and float16 against float32, random weights, 224 pixels.
// Usage: node bench/onnx-export.mjs [size ...], sizes of vitConfig, `small` by default; needs the packages built
// (npx turbo run build --filter=@dinov2/weights...) and, for giant2, 12 GiB of memory and 7 GB of disk.
// Times are processor time of one thread, which other programs on the machine disturb little. Memory is that of arrays
// beyond the model's own.
// Prints, and writes bench/results/onnx-export.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { parameterShapes, vitConfig } from '../packages/vit/dist/index.js';
import { exportOnnx } from '../packages/weights/dist/index.js';

const { InferenceSession, Tensor } = createRequire(new URL('../packages/engine-onnx/package.json', import.meta.url))('onnxruntime-node');

/** xorshift32, in [-1, 1). */
let state = 1;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state * 2 ** -31;
}

/** Weights of standard deviation 1/√inputs, which keep activations of size 1; norms and LayerScale around 1. */
function randomParameters(config) {
  return Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const around = /norm\d?\.weight$|gamma$/.test(name) ? 1 : 0;
      const bound = /weight$/.test(name) && shape.length > 1 ? Math.sqrt(3 / shape.slice(1).reduce((a, b) => a * b, 1)) : 0.1;
      for (let i = 0; i < data.length; i++) data[i] = around + bound * random();
      return [name, { data, shape }];
    }),
  );
}

const pixels = (batch) => new Tensor('float32', Float32Array.from({ length: batch * 3 * 224 * 224 }, () => 2 * random()), [batch, 3, 224, 224]);
const inputs = { 1: pixels(1), 16: pixels(16) };
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function processorTime(session, batch, repeats) {
  const times = [];
  for (let i = 0; i <= repeats; i++) {
    const before = process.cpuUsage();
    await session.run({ pixel_values: inputs[batch] });
    const { user, system } = process.cpuUsage(before);
    if (i > 0) times.push((user + system) / 1000);
  }
  return median(times);
}

const results = {};

function save() {
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  writeFileSync(
    new URL('results/onnx-export.json', import.meta.url),
    `${JSON.stringify({ date: new Date().toISOString(), cpu: cpus()[0].model, cores: cpus().length, loadAverage: loadavg()[0], node: process.version, results }, null, 2)}\n`,
  );
}

const folder = await mkdtemp(join(tmpdir(), 'onnx-export-'));
for (const size of process.argv.length > 2 ? process.argv.slice(2) : ['small']) {
  const config = vitConfig(size, { layerScale: 1 });
  const parameters = randomParameters(config);
  const features = {};
  results[size] = {};
  for (const precision of ['float32', 'float16']) {
    const path = join(folder, `${size}.onnx`);
    const memory = process.memoryUsage().arrayBuffers;
    let peak = memory;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().arrayBuffers)), 5);
    const started = performance.now();
    const { bytes } = await exportOnnx(path, { config, parameters }, { precision });
    const exportSeconds = (performance.now() - started) / 1000;
    clearInterval(watch);
    const session = await InferenceSession.create(path, { intraOpNumThreads: 1 });
    const one = await processorTime(session, 1, size === 'giant2' ? 2 : 10);
    const sixteen = size === 'giant2' ? undefined : await processorTime(session, 16, 3);
    features[precision] = (await session.run({ pixel_values: inputs[1] })).last_hidden_state.data;
    await session.release();
    await rm(path);
    await rm(`${path}_data`, { force: true });
    results[size][precision] = { bytes, exportSeconds, exportMemoryBytes: peak - memory, batch1Ms: one, batch16Ms: sixteen };
    console.log(`${size} ${precision}: ${bytes} bytes, written in ${exportSeconds.toFixed(1)} s with ${((peak - memory) / 2 ** 20).toFixed(0)} MiB; batch 1 ${one.toFixed(0)} ms${sixteen === undefined ? '' : `, batch 16 ${sixteen.toFixed(0)} ms`}`);
  }
  let largest = 0;
  let squares = 0;
  features.float16.forEach((value, i) => {
    const difference = Math.abs(value - features.float32[i]);
    largest = Math.max(largest, difference);
    squares += difference ** 2;
  });
  const rms = Math.sqrt(squares / features.float16.length);
  results[size].float16Difference = { largest, rms };
  save();
  console.log(`${size} float16 against float32: largest difference ${largest.toPrecision(2)}, root mean square ${rms.toPrecision(2)}`);
}
await rm(folder, { recursive: true });
