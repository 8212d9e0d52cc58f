// Spherical k-means: `kmeans` on ONNX Runtime against faiss-cpu `Kmeans`, on the same number of threads.
//
//   npm run build && node bench/kmeans-vs-faiss.mjs --python /path/to/python [--rows 1000000] [--clusters 10000] [--dim 384]
//       [--iterations 4] [--faiss 25] [--rounds 1] [--threads N] [--seed 0] [--folder DIR]
//
// Both cluster the rows of bench/support/clustered-vectors.mjs, read from one .npy file; each is a process of its own, and they
// take turns. `--iterations` bounds our comparisons of all rows with all centroids, `--faiss` is its niter, with
// max_points_per_centroid high enough for all rows; where its default of 256 would leave rows out, it runs with that too.
// What counts is the time to equal inertia. Both say how the inertia falls as they go: ours when a comparison of all rows
// ends, faiss after every iteration (its objective is the sum of cosines, which makes the inertia 2 (rows − objective)).
// So the table says when each of the two was first as good as the other at its end, or after 10 iterations of faiss. The
// final centroids of both are also judged alike, by `assign`. Ours is timed with reading the file, faiss without. On a busy machine
// the ratio of processor time says more than the clock. Peak memory is the largest resident set of each process.
// Writes bench/results/kmeans-vs-faiss.json.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { assign, kmeans, openNpy, writeNpy } from '@dinov2/curation';
import { onnxEngine } from '@dinov2/engine-onnx';
import { clusteredVectors } from './support/clustered-vectors.mjs';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    clusters: { type: 'string', default: '10000' },
    dim: { type: 'string', default: '384' },
    iterations: { type: 'string', default: '4' },
    faiss: { type: 'string', default: '25' },
    rounds: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string', default: '0' },
    python: { type: 'string', default: 'python3' },
    folder: { type: 'string' },
    // One clustering, or the judgement of one, in this process.
    file: { type: 'string' },
    centroids: { type: 'string' },
    judge: { type: 'boolean', default: false },
  },
});
const [rows, clusters, columns, iterations, niter, rounds, seed] = ['rows', 'clusters', 'dim', 'iterations', 'faiss', 'rounds', 'seed'].map((name) =>
  Number(values[name]),
);

if (values.judge) await judge();
else if (values.file) await runOurs();
else await compare();

async function runOurs() {
  const engine = onnxEngine({ threads: Number(values.threads) });
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const elapsed = () => {
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
  };
  const vectors = await openNpy(values.file);
  const steps = [];
  const result = await kmeans(vectors, {
    clusters, engine, iterations, seed: seed + 1,
    onProgress({ phase, inertia }) {
      if (phase === 'all' && inertia !== undefined && inertia !== steps.at(-1)?.inertia) steps.push({ inertia, ...elapsed() });
    },
  });
  const total = elapsed();
  steps.push({ inertia: result.inertia, ...total });
  const empty = result.sizes.filter((size) => size === 0).length;
  writeFileSync(values.centroids, result.centroids);
  console.log(JSON.stringify({ ...total, steps, iterations: result.iterations, empty, peakBytes: process.resourceUsage().maxRSS * 1024 }));
  await vectors.close();
  await engine.dispose();
}

async function judge() {
  const engine = onnxEngine({ threads: Number(values.threads) });
  const vectors = await openNpy(values.file);
  const centroids = new Float32Array(new Uint8Array(readFileSync(values.centroids)).buffer);
  const { similarity } = await assign(vectors, { centroids, columns: vectors.columns, metric: 'cosine' }, { engine });
  console.log(JSON.stringify(similarity.reduce((sum, cosine) => sum + 2 - 2 * cosine, 0)));
  await vectors.close();
  await engine.dispose();
}

async function compare() {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'kmeans-vs-faiss-'));
  mkdirSync(folder, { recursive: true });
  const [file, centroids] = [join(folder, 'rows.npy'), join(folder, 'centroids.f32')];
  let peer;
  try {
    const writer = await writeNpy(file, columns);
    await writer.append(clusteredVectors(rows, columns, seed));
    await writer.close();

    const self = fileURLToPath(import.meta.url);
    const child = async (...more) => {
      const options = ['rows', 'clusters', 'dim', 'iterations', 'threads', 'seed'].flatMap((name) => [`--${name}`, values[name]]);
      const { stdout } = await promisify(execFile)(process.execPath, [self, ...options, '--file', file, '--centroids', centroids, ...more]);
      return JSON.parse(stdout);
    };
    const judged = async (run) => ({ ...run, inertia: await child('--judge') });

    const script = fileURLToPath(new URL('peers/faiss_kmeans.py', import.meta.url));
    peer = spawn(values.python, [script, file], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, OMP_NUM_THREADS: values.threads } });
    const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
    const answer = async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${values.python} ended; it needs the packages faiss-cpu and numpy`);
      return JSON.parse(value);
    };
    const faiss = await answer();
    const byFaiss = async (round, pointsPerCentroid) => {
      peer.stdin.write(`${JSON.stringify({ clusters, iterations: niter, pointsPerCentroid, seed: seed + round + 1, path: centroids })}\n`);
      const run = await answer();
      const used = pointsPerCentroid === null ? Math.min(rows, 256 * clusters) : rows;
      const cpuPerSecond = run.cpuSeconds / run.seconds;
      const steps = run.steps.map(({ seconds, objective }) => ({ inertia: 2 * (used - objective), seconds, cpuSeconds: seconds * cpuPerSecond }));
      return { ...run, steps };
    };

    const results = [];
    for (let round = 0; round < rounds; round++) {
      const ours = await judged(await child());
      const all = await judged(await byFaiss(round, 1e9));
      const sampled = rows > 256 * clusters ? await judged(await byFaiss(round, null)) : undefined;
      const goals = [
        { name: 'our result', inertia: ours.inertia },
        { name: `faiss after ${niter} iterations`, inertia: all.inertia },
        ...(all.steps.length > 10 ? [{ name: 'faiss after 10 iterations', inertia: all.steps[10].inertia }] : []),
        ...(sampled ? [{ name: 'faiss on 256 rows per centroid', inertia: sampled.inertia, seconds: sampled.seconds }] : []),
      ].map((goal) => ({ ...goal, ours: first(ours, goal.inertia), faiss: goal.seconds === undefined ? first(all, goal.inertia) : sampled }));
      results.push({ ours, faiss: all, faissSampled: sampled, goals });
      for (const { name, inertia, ours: own, faiss: their } of goals) {
        const time = (run) => (run ? `${run.seconds.toFixed(1)} s (processor ${run.cpuSeconds.toFixed(1)} s)` : 'not reached');
        const ratio = own && their ? `  ours is ${(their.seconds / own.seconds).toFixed(2)} times as fast (processor time: ${(their.cpuSeconds / own.cpuSeconds).toFixed(2)})` : '';
        console.log(`inertia ${(inertia / rows).toFixed(5)} per row, ${name}: ours ${time(own)}, faiss ${time(their)}${ratio}`);
      }
      const gib = (bytes) => (bytes / 2 ** 30).toFixed(2);
      console.log(`peak memory: ours ${gib(ours.peakBytes)} GiB, faiss ${gib(all.peakBytes)} GiB`);
    }
    const report = { date: new Date().toISOString(), cpu: cpus()[0].model, threads: faiss.threads, load: loadavg(), faiss: faiss.version, rows, clusters, columns, results };
    mkdirSync(new URL('results/', import.meta.url), { recursive: true });
    writeFileSync(new URL('results/kmeans-vs-faiss.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    peer?.kill();
    if (!values.folder) rmSync(folder, { recursive: true, force: true });
  }
}

/** When a run was first as good. Rounding of float32 sums of cosines is allowed for. */
function first(run, inertia) {
  return run.steps.find((step) => step.inertia <= inertia * (1 + 1e-5)) ?? (run.inertia <= inertia * (1 + 1e-5) ? { seconds: run.seconds, cpuSeconds: run.cpuSeconds } : undefined);
}
