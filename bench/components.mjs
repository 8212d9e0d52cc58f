// Time and memory of finding duplicates once neighbours are known: components of a stream of edges, their spanning forest,
// a whole self-deduplication with the guard against chains, groups of equal content hashes and of perceptual hashes.
//
//   npx turbo run build --filter=@dinov2/curation... && node bench/components.mjs [--rows 1000000,10000000] [--tasks components,forest]
//
// Each measurement is a process of its own. Edges are made as they are read, four for each row, between random rows (one
// component of nearly all rows: the worst order of memory for a disjoint set) with random similarities; a quarter of the
// hashes are copies of earlier ones with up to three bits changed. `idle` is the memory of a process that did all but the work: the
// difference to `peak` is what the work took. Times include the making of edges, which takes what `edges`
// says. On a busy machine look at the processor's seconds. Writes bench/results/components.json.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  connectedComponents,
  cutForest,
  equalGroups,
  maximumSpanningForest,
  perceptualGroups,
  selfDeduplicate,
} from '@dinov2/curation';
import { createRandom } from '@dinov2/primitives';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000,10000000' },
    tasks: { type: 'string' },
    child: { type: 'string' },
  },
});

function* edges(rows, count = 4 * rows) {
  const random = createRandom(1);
  for (let done = 0; done < count; ) {
    const size = Math.min(1 << 16, count - done);
    const block = { count: size, from: new Uint32Array(size), to: new Uint32Array(size), similarity: new Float32Array(size) };
    for (let i = 0; i < size; i++) {
      block.from[i] = random.integer(rows);
      block.to[i] = random.integer(rows);
      block.similarity[i] = 0.6 + 0.4 * (random.bits() / 2 ** 32);
    }
    done += size;
    yield block;
  }
}

function hashes(rows) {
  const random = createRandom(2);
  const words = new Uint32Array(2 * rows);
  for (let row = 0; row < rows; row++) {
    const copied = row > 0 && random.uniform() < 0.25 ? random.integer(row) : undefined;
    for (const half of [0, 1]) words[2 * row + half] = copied === undefined ? random.bits() : words[2 * copied + half];
    if (copied !== undefined) for (let flips = random.integer(4); flips > 0; flips--) words[2 * row + random.integer(2)] ^= 1 << random.integer(32);
  }
  return new BigUint64Array(words.buffer);
}

const countLabels = (labels) => labels.reduce((sum, label, row) => sum + (label === row ? 1 : 0), 0);

/** Each makes its input, then returns the work, which returns a number to check. */
const tasks = {
  edges: (rows) => async () => {
    let count = 0;
    for await (const block of edges(rows)) count += block.count;
    return count;
  },
  components: (rows) => async () => countLabels(await connectedComponents(rows, edges(rows), { threshold: 0.6 })),
  forest: (rows) => async () => (await maximumSpanningForest(rows, edges(rows), { threshold: 0.6 })).count,
  guard: (rows) => async () => {
    const forest = await maximumSpanningForest(rows, edges(rows), { threshold: 0.6 });
    return countLabels(cutForest(forest, { threshold: 0.6, maximumSize: 100 }).component);
  },
  'self-deduplicate': (rows) => async () =>
    (await selfDeduplicate(rows, edges(rows), { keep: 'largestArea', area: new Float32Array(rows), maximumSize: 100 })).counts.kept,
  'equal 64-bit': (rows) => {
    const keys = hashes(rows);
    return async () => countLabels(equalGroups(keys));
  },
  'equal texts': (rows) => {
    const keys = Array.from(hashes(rows), (hash) => hash.toString(16).padStart(64, 'ab'));
    return async () => countLabels(equalGroups(keys));
  },
  ...Object.fromEntries(
    [2, 4, 8].map((radius) => [
      `perceptual ${radius}`,
      (rows) => {
        const keys = hashes(rows);
        return async () => countLabels(perceptualGroups(keys, radius));
      },
    ]),
  ),
};

const megabytes = () => Math.round(process.resourceUsage().maxRSS / 1024);

if (values.child) {
  const work = tasks[values.child](Number(values.rows));
  const idle = megabytes();
  const start = performance.now();
  const before = process.cpuUsage();
  const found = await work();
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, processor: (user + system) / 1e6, idle, peak: megabytes(), found }));
} else {
  console.log('task              rows          seconds processor s  peak MB   idle MB   found');
  const results = [];
  for (const rows of values.rows.split(',')) {
    for (const task of values.tasks?.split(',') ?? Object.keys(tasks)) {
      const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--child', task, '--rows', rows], { encoding: 'utf8' });
      const { seconds, processor, idle, peak, found } = JSON.parse(output);
      results.push({ task, rows: Number(rows), seconds, processor, peakMegabytes: peak, idleMegabytes: idle, found });
      console.log(
        [task.padEnd(16), rows.padStart(10), seconds.toFixed(2).padStart(10), processor.toFixed(2).padStart(10), String(peak).padStart(9), String(idle).padStart(9), found].join(' '),
      );
    }
  }
  const folder = new URL('results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('components.json', folder), `${JSON.stringify({ cpu: cpus()[0].model, node: process.version, results }, null, 2)}\n`);
}
