// Kills dinov2-curate at random moments and lets it go on: the manifest must be the same, byte for byte.
//   npx turbo run build --filter=@dinov2/curation... && node bench/curate-kill.mjs [--kills 20] [--images 200] [--weights pixels] [--seed 1] [--program dist/main.js]
//   20 of 20 identical with 200 pictures and --seed 2, a run being 10 s on two busy cores.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateHeap } from '@dinov2/curation';
import { createRandom } from '@dinov2/primitives';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    images: { type: 'string', default: '200' },
    weights: { type: 'string', default: 'pixels' },
    seed: { type: 'string', default: '1' },
    // Another build, such as a copy that nothing changes meanwhile.
    program: { type: 'string', default: fileURLToPath(new URL('../packages/curation/dist/main.js', import.meta.url)) },
  },
});
const { program } = values;
const folder = mkdtempSync(join(tmpdir(), 'curate-kill-'));
const random = createRandom(Number(values.seed));

/** Run the program; kill it after `milliseconds` unless it ends before. */
function run(words, milliseconds = Infinity) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (text) => (errors += text));
    const timer = Number.isFinite(milliseconds) ? setTimeout(() => child.kill('SIGKILL'), milliseconds) : undefined;
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0 || signal === 'SIGKILL') resolve(signal === 'SIGKILL');
      else reject(new Error(`${words.join(' ')} ended with ${code}: ${errors}`));
    });
  });
}
const manifestOf = (out) => ['manifest.parquet', 'manifest.jsonl'].map((name) => createHash('sha256').update(readFileSync(join(out, name))).digest('hex')).join(' ');

try {
  await generateHeap(join(folder, 'heap'), { count: Number(values.images), evaluationTrain: 1, evaluationHeldout: 1 });
  // Small parts, so that there is more than one to be cut in.
  const plan = join(folder, 'plan.yaml');
  writeFileSync(plan, `sources: heap/images\nheldOut: heap/evaluation/heldout\nembed: { weights: ${values.weights}, shardRows: 32 }\n`);
  const whole = join(folder, 'whole');
  const started = performance.now();
  await run(['run', plan, '--out', whole]);
  const seconds = (performance.now() - started) / 1000;
  const expected = manifestOf(whole);
  console.log(`${values.images} pictures, ${seconds.toFixed(1)} s without a kill; manifest ${expected.slice(0, 12)}`);
  let same = 0;
  for (let kills = 0; kills < Number(values.kills); ) {
    const out = join(folder, 'killed');
    const after = random.uniform(0.2, seconds) * 1000;
    // A run that ends before it is killed shows nothing.
    if (await run(['run', plan, '--out', out], after)) {
      await run(['run', plan, '--out', out]);
      const equal = manifestOf(out) === expected;
      same += equal ? 1 : 0;
      console.log(`${String(++kills).padStart(2)}: killed after ${(after / 1000).toFixed(2)} s, manifest ${equal ? 'identical' : 'DIFFERENT'}`);
    }
    rmSync(out, { recursive: true });
  }
  console.log(`${same} of ${values.kills} manifests identical`);
  process.exitCode = same === Number(values.kills) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
