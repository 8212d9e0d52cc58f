// Logistic regression over the grid of C, 10,000 × 384 features of 100 classes, against scikit-learn's L-BFGS.
//
//   npm run build && node bench/logistic-vs-sklearn.mjs [--rows 10000] [--dim 384] [--classes 100] [--every 1]
//     [--python /path/to/python] [--max-iter 1000] [--minutes 30] [--threads 2]
//
// Features are random: a class centre and noise, columns off the origin with falling variance, as class tokens have.
// Both fit all rows for each C (every one of the grid, or every n-th), each from the solution before, in float64 on the
// same cores, one program after the other. scikit-learn gets tol 1e-12 and the protocol's 1000 iterations; it is stopped
// after --minutes, and the Cs that both have done are compared. Writes bench/results/logistic-vs-sklearn.json.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { logisticGrid, logisticRegression } from '@dinov2/evaluation';
import { createRandom } from '@dinov2/primitives';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000' },
    dim: { type: 'string', default: '384' },
    classes: { type: 'string', default: '100' },
    every: { type: 'string', default: '1' },
    python: { type: 'string' },
    'max-iter': { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '30' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const [rows, dim, classes, every] = ['rows', 'dim', 'classes', 'every'].map((name) => Number(values[name]));
const random = createRandom(0);
const centres = Float64Array.from({ length: classes * dim }, random.normal);
const offsets = Float64Array.from({ length: dim }, () => 2 * random.normal());
const labels = Int32Array.from({ length: rows }, (_, i) => i % classes);
const data = Float32Array.from({ length: rows * dim }, (_, i) => {
  const d = i % dim;
  const spread = 3 / (1 + d / 8);
  return offsets[d] + spread * (0.35 * centres[labels[Math.floor(i / dim)] * dim + d] + random.normal());
});
const features = { data, shape: [rows, dim] };
const cs = logisticGrid.filter((_, i) => i % every === 0);

// A few rows for validation: choosing C is not what is measured.
const held = { features: { data: data.slice(0, classes * dim), shape: [classes, dim] }, labels: labels.slice(0, classes) };
const ours = [];
let last = 0;
const cpuSeconds = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
let lastCpu = cpuSeconds();
await logisticRegression(features, labels, {
  cs, validation: held, refit: false, threads: Number(values.threads),
  onProgress({ candidate: { c, objective, iterations, converged }, seconds }) {
    ours.push({ c, seconds: seconds - last, cpuSeconds: cpuSeconds() - lastCpu, objective, iterations, converged });
    last = seconds;
    lastCpu = cpuSeconds();
    console.log(`ours     C ${c.toExponential(2)}  ${ours.at(-1).seconds.toFixed(2).padStart(7)} s  ${String(iterations).padStart(4)} iterations  objective ${objective.toExponential(9)}`);
  },
});

const peer = [];
let version;
if (values.python !== undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'logistic-'));
  try {
    writeFileSync(join(folder, 'features.f32'), data);
    writeFileSync(join(folder, 'labels.i32'), labels);
    const script = fileURLToPath(new URL('peers/sklearn_logistic.py', import.meta.url));
    const child = spawn(values.python, [
      script, '--folder', folder, '--rows', String(rows), '--dim', String(dim), '--cs', cs.join(','), '--max-iter', values['max-iter'],
    ], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, OMP_NUM_THREADS: values.threads, OPENBLAS_NUM_THREADS: values.threads, MKL_NUM_THREADS: values.threads },
    });
    const timer = setTimeout(() => child.kill(), Number(values.minutes) * 60_000);
    for await (const line of createInterface({ input: child.stdout })) {
      const { version: found, ...fit } = JSON.parse(line);
      version = found;
      peer.push(fit);
      console.log(`sklearn  C ${fit.c.toExponential(2)}  ${fit.seconds.toFixed(2).padStart(7)} s  ${String(fit.iterations).padStart(4)} iterations  objective ${fit.objective.toExponential(9)}`);
    }
    clearTimeout(timer);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const total = (fits, count, clock = 'seconds') => fits.slice(0, count).reduce((sum, fit) => sum + fit[clock], 0);
const excess = peer.map(({ objective }, i) => objective / ours[i].objective - 1);
const result = {
  rows, dim, classes, cpu: cpus()[0].model, threads: Number(values.threads), scikitLearn: version, maxIterations: Number(values['max-iter']),
  seconds: total(ours, ours.length),
  compared: peer.length,
  /** scikit-learn's time over ours, by the clock on the wall and by the processors' time, which other programs disturb less. */
  ratio: peer.length === 0 ? undefined : total(peer, peer.length) / total(ours, peer.length),
  cpuRatio: peer.length === 0 ? undefined : total(peer, peer.length, 'cpuSeconds') / total(ours, peer.length, 'cpuSeconds'),
  /** How far scikit-learn's objective is above ours, as a share: negative where ours is worse. */
  excess: peer.length === 0 ? undefined : { smallest: Math.min(...excess), largest: Math.max(...excess) },
  ours, peer,
};
console.log(`ours: ${cs.length} values of C in ${result.seconds.toFixed(0)} s`);
if (peer.length > 0) {
  console.log(`scikit-learn takes ${result.ratio.toFixed(2)} times as long for the first ${peer.length} (${result.cpuRatio.toFixed(2)} times the processor time); its objectives are above ours by ${result.excess.smallest.toExponential(1)} to ${result.excess.largest.toExponential(1)}`);
}
const folder = new URL('results/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('logistic-vs-sklearn.json', folder), `${JSON.stringify(result, null, 2)}\n`);
