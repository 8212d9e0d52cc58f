// Self-join of a large set, k nearest above a cosine: `joinNeighbours` against faiss-cpu `IndexIVFFlat` at the same recall of edges.
//
//   npm run build && node bench/self-join-vs-faiss.mjs --python /path/to/python [--rows 10000,100000,1000000] [--dim 384]
//       [--k 64] [--threshold 0.6] [--recall 0.97] [--threads N] [--exact 100000] [--folder DIR]
//
// Rows scatter around 2000 centres (one for 250 rows, where that is more) whose sizes follow Zipf's law; a quarter are near
// an earlier row, at a cosine of 0.55 to 0.99. Each program is a process of its own that reads the same .npy file. Ours is timed
// from opening the file to the last edge: it chooses its probes and measures its recall within that time. faiss knows
// beforehand, from exact neighbours of 2000 rows, the fewest probes with which it reaches `--recall`, and the best of √N, 2√N and 4√N lists;
// its clock runs for train, add and search. The recall of both is then counted on those 2000 rows. Ours compares everything
// where that is soon done; up to `--exact` rows, that is timed as well where it is not. Peak memory is the largest resident set of each process. Writes bench/results/self-join-vs-faiss.json.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { joinNeighbours, openNpy, writeNpy } from '@dinov2/curation';
import { onnxEngine } from '@dinov2/engine-onnx';
import { createRandom } from '@dinov2/primitives';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000,100000,1000000' },
    dim: { type: 'string', default: '384' },
    k: { type: 'string', default: '64' },
    threshold: { type: 'string', default: '0.6' },
    recall: { type: 'string', default: '0.97' },
    exact: { type: 'string', default: '100000' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string', default: 'python3' },
    folder: { type: 'string' },
    // One join in this process: `auto` or `exact`, of a file, with the rows whose edges are wanted.
    method: { type: 'string' },
    file: { type: 'string' },
    sample: { type: 'string' },
    found: { type: 'string' },
  },
});
const [columns, k, threshold, recall] = [values.dim, values.k, values.threshold, values.recall].map(Number);

if (values.method) await runOurs();
else await compare();

async function runOurs() {
  const engine = onnxEngine({ threads: Number(values.threads) });
  const sample = new Set(new Uint32Array(new Uint8Array(readFileSync(values.sample)).buffer));
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const vectors = await openNpy(values.file);
  const seconds = {};
  let since = start;
  const result = await joinNeighbours(vectors, vectors, {
    engine, k, threshold, recall, method: values.method,
    onProgress({ stage }) {
      const now = performance.now();
      seconds[stage] = (seconds[stage] ?? 0) + (now - since) / 1000;
      since = now;
    },
  });
  const found = [];
  for await (const { count, from, to } of result.edges()) {
    for (let i = 0; i < count; i++) if (sample.has(from[i])) found.push(from[i], to[i]);
  }
  const total = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await result.close();
  await vectors.close();
  await engine.dispose();
  writeFileSync(values.found, Uint32Array.from(found));
  const { method, probes, partitions, edgeRecall, sampledEdges, count } = result;
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ method, probes, partitions, edgeRecall, sampledEdges, edges: count, seconds: total, cpuSeconds: (user + system) / 1e6, stages: seconds, peakBytes }));
}

async function compare() {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'self-join-'));
  mkdirSync(folder, { recursive: true });
  const results = [];
  let version;
  try {
    for (const rows of values.rows.split(',').map(Number)) {
      const file = join(folder, `rows-${rows}-${columns}.npy`);
      if (!existsSync(file)) await generate(file, rows);
      const [sample, truth, found] = ['sample', 'truth', 'found'].map((name) => join(folder, name));
      const chosen = createRandom(1).permutation(rows).slice(0, 2000).sort();
      writeFileSync(sample, Uint32Array.from(chosen));
      const environment = { ...process.env, OMP_NUM_THREADS: values.threads };
      const output = async (command, args) => {
        const { stdout } = await promisify(execFile)(command, args, { env: environment, maxBuffer: 2 ** 26 });
        return stdout.trim().split('\n').map((line) => JSON.parse(line));
      };
      const settings = ['--k', k, '--threshold', threshold, '--recall', recall].map(String);
      const ours = async (method) => {
        const script = fileURLToPath(import.meta.url);
        const own = [...settings, '--threads', values.threads, '--method', method, '--file', file, '--sample', sample, '--found', found];
        const [result] = await output(process.execPath, [script, ...own]);
        const rowsFound = new Uint32Array(new Uint8Array(readFileSync(found)).buffer);
        return { ...result, found: new Set(Array.from({ length: rowsFound.length / 2 }, (_, i) => rowsFound[2 * i] * rows + rowsFound[2 * i + 1])) };
      };
      const byOurs = await ours('auto');
      const script = fileURLToPath(new URL('peers/faiss_self_join.py', import.meta.url));
      const [about, { choices }, byFaiss] = await output(values.python, [script, file, ...settings, '--sample', sample, '--truth', truth]);
      version = about;
      const neighbours = new Int32Array(new Uint8Array(readFileSync(truth)).buffer);
      const edges = [...neighbours.keys()].filter((i) => neighbours[i] >= 0).map((i) => chosen[Math.floor(i / k)] * rows + neighbours[i]);
      const recallOf = (pairs) => edges.filter((edge) => pairs.has(edge)).length / edges.length;
      const report = ({ found: pairs, ...result }) => ({ ...result, recall: recallOf(pairs) });
      const result = { rows, columns, k, threshold, trueEdges: edges.length, ours: report(byOurs), faiss: byFaiss, choices, oursIsFaster: byFaiss.seconds / byOurs.seconds, oursIsFasterByCpuTime: byFaiss.cpuSeconds / byOurs.cpuSeconds };
      if (byOurs.method !== 'exact' && rows <= Number(values.exact)) result.exact = report(await ours('exact'));
      results.push(result);
      const line = ({ seconds, recall, peakBytes }) => `${seconds.toFixed(1)} s (edge recall ${recall.toFixed(4)}, peak ${(peakBytes / 2 ** 30).toFixed(2)} GiB)`;
      console.log(
        `${String(rows).padStart(8)} rows  ours ${line(result.ours)}, ${byOurs.probes ? `said ${byOurs.edgeRecall.toFixed(4)}, ${byOurs.probes} of ${byOurs.partitions} partitions` : 'exact'}  ` +
          `faiss ${line(byFaiss)}, ${byFaiss.probes} of ${byFaiss.lists} lists  ours is ${result.oursIsFaster.toFixed(2)} times as fast (processor time: ${result.oursIsFasterByCpuTime.toFixed(2)})` +
          (result.exact ? `  ours exact ${line(result.exact)}` : ''),
      );
    }
    const report = { date: new Date().toISOString(), cpu: cpus()[0].model, threads: Number(values.threads), load: loadavg(), faiss: version.version, results };
    mkdirSync(new URL('results/', import.meta.url), { recursive: true });
    writeFileSync(new URL('results/self-join-vs-faiss.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    if (!values.folder) rmSync(folder, { recursive: true, force: true });
  }
}

/** Write unit rows; near rows are near one of the same 50 000. */
async function generate(path, rows) {
  const random = createRandom(0);
  const centres = Math.max(2000, Math.round(rows / 250));
  const normal = (into) => {
    for (let i = 0; i < columns; i++) into[i] = random.normal() / Math.sqrt(columns);
    return into;
  };
  const middle = new Float32Array(centres * columns);
  for (let c = 0; c < centres; c++) normal(middle.subarray(c * columns, (c + 1) * columns));
  const cumulative = Float64Array.from({ length: centres }, (_, c) => 1 / (c + 1));
  for (let c = 1; c < centres; c++) cumulative[c] += cumulative[c - 1];
  const zipf = () => {
    const wanted = random.uniform() * cumulative[centres - 1];
    let [low, high] = [0, centres - 1];
    while (low < high) {
      const c = (low + high) >> 1;
      if (cumulative[c] > wanted) high = c;
      else low = c + 1;
    }
    return low;
  };
  const writer = await writeNpy(path, columns);
  const noise = new Float32Array(columns);
  for (let first = 0; first < rows; first += 50_000) {
    const block = new Float32Array(Math.min(50_000, rows - first) * columns);
    for (let row = 0; row < block.length / columns; row++) {
      const near = row > 0 && random.uniform() < 0.25;
      const from = near ? block : middle;
      const at = (near ? random.integer(row) : zipf()) * columns;
      // Noise of 384 numbers is nearly orthogonal to any row: the cosine with it comes out as wished.
      const cosine = near ? random.uniform(0.55, 0.99) : 0.64;
      normal(noise);
      const own = block.subarray(row * columns, (row + 1) * columns);
      let square = 0;
      for (let i = 0; i < columns; i++) square += (own[i] = cosine * from[at + i] + Math.sqrt(1 - cosine * cosine) * noise[i]) ** 2;
      for (let i = 0; i < columns; i++) own[i] /= Math.sqrt(square);
    }
    await writer.append(block);
  }
  await writer.close();
}
