// Exact nearest neighbours by cosine: `searchNeighbours` on ONNX Runtime against faiss-cpu `IndexFlatIP`, on the same number of threads.
//
//   npm run build && node bench/knn-vs-faiss.mjs [--queries 4096] [--rows 262144] [--dim 384] [--k 20,200] [--rounds 5]
//       [--threads N] [--python /path/to/python]
//
// A slice of 50 000 queries against 1 000 000 rows of a ViT-S, random normal features. The programs take turns; the ratio of
// the medians counts. faiss gets rows of length 1 and its index is filled before the clock starts; ours starts from plain
// features, so that its time includes scaling the rows and bringing them to the engine. The extrapolation is by the product
// queries × rows, which is a little too long for both: a list changes less and less often as rows go by, and ours brings
// every row to the engine once, however many queries there are. Also counts the neighbours on which the two agree. On a
// busy machine `--threads 1` and the ratio of processor time say more than the clock: neither program waits for a thread then.
// Writes bench/results/knn-vs-faiss.json.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { searchNeighbours } from '@dinov2/evaluation';
import { onnxEngine } from '@dinov2/engine-onnx';
import { createRandom } from '@dinov2/primitives';

const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: '4096' },
    rows: { type: 'string', default: '262144' },
    dim: { type: 'string', default: '384' },
    k: { type: 'string', default: '20,200' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string', default: 'python3' },
  },
});
const [queryCount, rowCount, columns, rounds] = [values.queries, values.rows, values.dim, values.rounds].map(Number);
const whole = { queries: 50_000, rows: 1_000_000 };

const random = createRandom(0);
/** (rows, columns) of length 1: the peer wants them so, ours scales them again. */
function features(rows) {
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const part = data.subarray(row * columns, (row + 1) * columns);
    let square = 0;
    for (let i = 0; i < columns; i++) square += (part[i] = random.normal()) ** 2;
    for (let i = 0; i < columns; i++) part[i] /= Math.sqrt(square);
  }
  return { data, shape: [rows, columns] };
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

const folder = mkdtempSync(join(tmpdir(), 'knn-vs-faiss-'));
const engine = onnxEngine({ threads: Number(values.threads) });
let peer;
try {
  const [queries, database] = [features(queryCount), features(rowCount)];
  const paths = [join(folder, 'queries'), join(folder, 'database')];
  [queries, database].forEach(({ data }, i) => writeFileSync(paths[i], data));
  const script = fileURLToPath(new URL('peers/faiss_knn.py', import.meta.url));
  peer = spawn(values.python, [script, ...paths, String(columns)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OMP_NUM_THREADS: values.threads },
  });
  const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${values.python} ended; it needs the package faiss-cpu`);
    return JSON.parse(value);
  };
  const faiss = await answer();
  const byFaiss = async (k) => {
    const path = join(folder, 'rows');
    peer.stdin.write(`${k} ${path}\n`);
    const times = await answer();
    return { ...times, indices: new Int32Array(new Uint8Array(readFileSync(path)).buffer) };
  };
  const byOurs = async (k) => {
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const { indices } = await searchNeighbours(queries, database, k, { engine });
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6, indices };
  };

  const results = [];
  for (const k of values.k.split(',').map(Number)) {
    const [ours, theirs] = [await byOurs(k), await byFaiss(k)];
    const agreeing = ours.indices.reduce((count, row, i) => count + (row === theirs.indices[i] ? 1 : 0), 0);
    const seconds = { ours: [], faiss: [] };
    const cpuSeconds = { ours: [], faiss: [] };
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries({ ours: byOurs, faiss: byFaiss })) {
        const times = await run(k);
        seconds[name].push(times.seconds);
        cpuSeconds[name].push(times.cpuSeconds);
      }
    }
    const ratio = (times) => median(times.faiss) / median(times.ours);
    const scale = (whole.queries * whole.rows) / (queryCount * rowCount);
    const extrapolated = { ours: scale * median(seconds.ours), faiss: scale * median(seconds.faiss) };
    const gigaflops = (2 * queryCount * rowCount * columns) / median(seconds.ours) / 1e9;
    const agreement = agreeing / ours.indices.length;
    results.push({
      k, queries: queryCount, rows: rowCount, columns, seconds, cpuSeconds, gigaflops, agreement, extrapolated,
      oursIsFaster: ratio(seconds), oursIsFasterByCpuTime: ratio(cpuSeconds),
    });
    const minutes = (time) => `${(time / 60).toFixed(1)} min`;
    console.log(
      `k ${String(k).padStart(3)}  ours ${median(seconds.ours).toFixed(2)} s (${gigaflops.toFixed(0)} GFLOP/s)  faiss ${median(seconds.faiss).toFixed(2)} s  ` +
        `ours is ${ratio(seconds).toFixed(2)} times as fast (processor time: ${ratio(cpuSeconds).toFixed(2)})  same neighbours ${(100 * agreement).toFixed(3)} %  ` +
        `50 000 × 1 000 000: ours ${minutes(extrapolated.ours)}, faiss ${minutes(extrapolated.faiss)}`,
    );
  }
  const report = { date: new Date().toISOString(), cpu: cpus()[0].model, threads: faiss.threads, load: loadavg(), faiss: faiss.version, results };
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  writeFileSync(new URL('results/knn-vs-faiss.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
} finally {
  peer?.kill();
  rmSync(folder, { recursive: true, force: true });
  await engine.dispose();
}
