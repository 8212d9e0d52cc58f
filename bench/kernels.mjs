// Speed of each SIMD kernel at the sizes of one ViT-S/14 training step (batch 4, 2x224 + 8x98, 65 536 prototypes).
// Usage: node bench/kernels.mjs [name ...]; needs `node packages/engine-onnx/scripts/build-kernels.mjs` once.
// Prints the median and the fastest of repeated runs and, without a name, writes bench/results/kernels.json.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

const { WebAssembly } = globalThis;
const source = readFileSync(new URL('../packages/engine-onnx/src/generated/kernels.ts', import.meta.url), 'utf8');
const wasmBase64 = source.match(/wasmBase64 =\s*'([^']+)'/)[1];
const memory = new WebAssembly.Memory({ initial: 32768 });
const module = new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
const wasm = new WebAssembly.Instance(module, { env: { memory } }).exports;

let top = 65536;
/** Offset of `count` float32 values made by `value(i)`. */
function tensor(count, value = () => Math.random() * 2 - 1) {
  const at = top;
  const data = new Float32Array(memory.buffer, at, count);
  // One period of values is enough; random numbers for 100 million places would take longer than the kernels.
  const period = Math.min(count, 65537);
  for (let i = 0; i < period; i++) data[i] = value(i);
  for (let done = period; done < count; done *= 2) data.copyWithin(done, 0, Math.min(done, count - done));
  top += Math.ceil(count / 16) * 64;
  return at;
}

const rows = 8 * 257 + 32 * 50;
const width = 384;
const hidden = 4 * width;
const prototypes = 65536;
const bottleneck = 256;
// Student rows of the DINO loss (32 local, 8 global crops) against 8 teacher rows; masked patches of the iBOT loss.
const studentRows = 40;
const teacherRows = 8;
const patches = 400;
const probability = () => 2 * Math.random() / prototypes;

/**
 * Each case allocates and returns [run, elements, bytes read and written]. Outputs are apart from inputs where
 * repeated calls would otherwise drive the values into subnormal numbers, which processors handle slowly.
 */
const cases = {
  layerNorm() {
    const n = rows * width;
    const [x, gamma, beta, y] = [tensor(n), tensor(width), tensor(width), tensor(n)];
    return [() => wasm.layerNorm(x, gamma, beta, y, rows, width, 1e-6), n, 8 * n];
  },
  layerNormGrad() {
    const n = rows * width;
    const [x, gamma, dy, dx] = [tensor(n), tensor(width), tensor(n), tensor(n)];
    const [dgamma, dbeta, scratch] = [tensor(width), tensor(width), tensor(2 * width + 16)];
    return [() => wasm.layerNormGrad(x, gamma, dy, dx, dgamma, dbeta, scratch, rows, width, 1e-6), n, 12 * n];
  },
  geluGrad() {
    const n = rows * hidden;
    const [x, dy, dx] = [tensor(n), tensor(n), tensor(n)];
    return [() => wasm.geluGrad(x, dy, dx, n), n, 12 * n];
  },
  softmaxGrad() {
    const n = 8 * 6 * 257 * 257;
    const [p, dp, ds] = [tensor(n), tensor(n), tensor(n)];
    return [() => wasm.softmaxGrad(p, dp, ds, 8 * 6 * 257, 257, 0.125), n, 12 * n];
  },
  splitHeads() {
    const n = 8 * 257 * 3 * width;
    const [x, y] = [tensor(n), tensor(n)];
    // (8, 257, 3, 6, 64) to (3, 8, 6, 257, 64)
    const strides = [width, 257 * 3 * width, 64, 3 * width].map((stride) => 4 * stride);
    return [() => wasm.copyBlocks(x, y, 256, 3, 8, 6, 257, ...strides), n, 8 * n];
  },
  columnSums() {
    const [x, out] = [tensor(rows * hidden), tensor(hidden)];
    return [() => wasm.columnSums(x, out, rows, hidden), rows * hidden, 4 * rows * hidden];
  },
  adamW() {
    const n = prototypes * bottleneck;
    const [param, grad, m, v] = [tensor(n), tensor(n), tensor(n, () => 0), tensor(n, () => 0)];
    const hyper = tensor(6, (i) => [1e-4, 0.04, 10, 1000, 1, 1][i]);
    return [() => wasm.adamW(param, grad, m, v, hyper, param, m, v, n, 0.9, 0.999, 1e-8), n, 28 * n];
  },
  ema() {
    const n = prototypes * bottleneck;
    const [target, from, momentum] = [tensor(n), tensor(n), tensor(1, () => 0.994)];
    return [() => wasm.ema(target, from, momentum, target, n), n, 12 * n];
  },
  crossEntropyDino() {
    const n = studentRows * prototypes;
    const [student, teacher] = [tensor(n), tensor(teacherRows * prototypes, probability)];
    const [loss, lse] = [tensor(studentRows), tensor(studentRows)];
    return [() => wasm.crossEntropy(student, teacher, loss, lse, studentRows, teacherRows, prototypes, 0.1), n, 4 * n];
  },
  crossEntropyPatches() {
    const n = patches * prototypes;
    const [student, teacher, loss, lse] = [tensor(n), tensor(n, probability), tensor(patches), tensor(patches)];
    return [() => wasm.crossEntropy(student, teacher, loss, lse, patches, patches, prototypes, 0.1), n, 8 * n];
  },
  crossEntropyGradPatches() {
    const n = patches * prototypes;
    const [student, teacher] = [tensor(n), tensor(n, probability)];
    const [lse, dloss, out] = [tensor(patches, () => 13), tensor(patches), tensor(n)];
    const run = () =>
      wasm.crossEntropyGrad(student, teacher, lse, dloss, out, patches, patches, prototypes, 0.1);
    return [run, n, 12 * n];
  },
  sinkhornKnopp() {
    const n = patches * prototypes;
    const [logits, temperature, out] = [tensor(n), tensor(1, () => 0.07), tensor(n)];
    const scratch = tensor(6 * patches + prototypes);
    // Three iterations: the maximum, E with the first one, two more, the result.
    const run = () => wasm.sinkhornKnopp(logits, temperature, 0, out, scratch, patches, prototypes, 3);
    return [run, n, 4 * n * 7];
  },
  weightNorm() {
    const n = prototypes * bottleneck;
    const [v, g, w] = [tensor(n), tensor(prototypes), tensor(n)];
    return [() => wasm.weightNorm(v, g, w, prototypes, bottleneck), n, 8 * n];
  },
  weightNormGrad() {
    const n = prototypes * bottleneck;
    const [v, g, dw, dv, dg] = [tensor(n), tensor(prototypes), tensor(n), tensor(n), tensor(prototypes)];
    return [() => wasm.weightNormGrad(v, g, dw, dv, dg, prototypes, bottleneck), n, 12 * n];
  },
  addScaledRows() {
    const n = rows * width;
    const [x, y, gamma, out] = [tensor(n), tensor(n), tensor(width), tensor(n)];
    return [() => wasm.addScaledRows(x, y, gamma, 0, out, 1, 1, rows, width, 1), n, 12 * n];
  },
  addScaledRowsGrad() {
    const n = rows * width;
    const [dout, y, gamma, dy] = [tensor(n), tensor(n), tensor(width), tensor(n)];
    const [dgamma, scratch] = [tensor(width), tensor(width)];
    const run = () => wasm.addScaledRowsGrad(dout, y, gamma, 0, dy, dgamma, scratch, 1, rows, width, 1);
    return [run, n, 12 * n];
  },
  swiglu() {
    const n = rows * 1024;
    const [x, y] = [tensor(2 * n), tensor(n)];
    return [() => wasm.swiglu(x, y, rows, 1024), n, 12 * n];
  },
  swigluGrad() {
    const n = rows * 1024;
    const [x, dy, dx] = [tensor(2 * n), tensor(n), tensor(2 * n)];
    return [() => wasm.swigluGrad(x, dy, dx, rows, 1024), n, 20 * n];
  },
  colorJitter() {
    const [n, pixels] = [8, 224 * 224];
    const [x, out] = [tensor(n * pixels * 3, () => Math.floor(Math.random() * 256)), tensor(n * pixels * 3)];
    const params = tensor(12 * n, (i) => [1, 0, 1, 2, 3, 1.2, 0.8, 1.1, 20, 0, 0, 0][i % 12]);
    const scratch = tensor(12);
    return [() => wasm.colorJitter(x, params, out, scratch, n, pixels), n * pixels * 3, n * pixels * 24];
  },
  gaussianBlur() {
    const [n, side] = [8, 224];
    const size = n * side * side * 3;
    const [x, out] = [tensor(size, () => Math.floor(Math.random() * 256)), tensor(size)];
    const [sigma, scratch] = [tensor(n, () => 1.3), tensor(3 * (side + 8))];
    return [() => wasm.gaussianBlur(x, sigma, out, scratch, n, side, side, 3), size, 8 * size];
  },
  add() {
    const n = prototypes * bottleneck;
    const [a, b, out] = [tensor(n), tensor(n), tensor(n)];
    return [() => wasm.add(a, b, out, n), n, 12 * n];
  },
  squaredNorm() {
    const n = prototypes * bottleneck;
    const [x, out] = [tensor(n), tensor(1)];
    return [() => wasm.squaredNorm(x, out, n), n, 4 * n];
  },
};

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const wanted = process.argv.slice(2);
const results = {};
for (const [name, make] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  top = 65536;
  const [run, elements, bytes] = make();
  // The first calls run baseline code until the optimised one is ready.
  for (const start = performance.now(); performance.now() - start < 300; ) {
    run();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const times = [];
  for (const start = performance.now(); times.length < 5 || performance.now() - start < 700; ) {
    const before = performance.now();
    run();
    times.push(performance.now() - before);
  }
  const milliseconds = median(times);
  results[name] = {
    milliseconds,
    fastestMilliseconds: Math.min(...times),
    nanosecondsPerElement: (milliseconds * 1e6) / elements,
    gigabytesPerSecond: bytes / milliseconds / 1e6,
  };
  const { nanosecondsPerElement, gigabytesPerSecond, fastestMilliseconds } = results[name];
  console.log(
    `${name.padEnd(30)} ${milliseconds.toFixed(2).padStart(8)} ms (best ${fastestMilliseconds.toFixed(2)})` +
      `  ${nanosecondsPerElement.toFixed(3)} ns/element  ${gigabytesPerSecond.toFixed(1)} GB/s`,
  );
}

if (wanted.length === 0) {
  const folder = new URL('results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const report = { cpu: cpus()[0].model, node: process.version, load: loadavg()[0], date: new Date().toISOString(), results };
  writeFileSync(new URL('kernels.json', folder), `${JSON.stringify(report, null, 2)}\n`);
}
