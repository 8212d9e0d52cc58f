// Input pipeline: 500 × 375 JPEG → 2 crops of 224 and 8 of 98, augmented and normalised, per second of one core,
// beside torchvision's transforms doing the same (bench/peers/torchvision_pipeline.py).
// Usage: node bench/input-pipeline.mjs [--images 240] [--rounds 3] [--python python3]; needs `npm run build`.
//
// Included on both sides: reading and decoding, random resized crops, flip, colour jitter, grayscale, blur, solarise,
// normalisation. Ours does the colours where training does them, in the compiled step; its cost is counted.
// Counted is processor time of all threads, so that other programs on the machine disturb less.
// Prints each round and the ratio of medians, and writes bench/results/input-pipeline.json.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { augmentBatch } from '@dinov2/augment';
import { createLoader, openFolder } from '@dinov2/data';
import { onnxEngine } from '@dinov2/engine-onnx';
import { jit } from '@dinov2/jit';
import sharp from 'sharp';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '240' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string', default: 'python3' },
  },
});
const batchSize = 8;
const batches = Math.ceil(Number(values.images) / batchSize);
const images = batches * batchSize;

const pictures = new URL('../apps/pretrain/sample/pictures/', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'input-pipeline-'));
for (const name of readdirSync(pictures)) {
  await sharp(fileURLToPath(new URL(name, pictures))).resize(500, 375).jpeg({ quality: 90 }).toFile(join(folder, name));
}

const step = jit(
  (batch) => ({
    global: augmentBatch(batch.globalCrops, batch.globalParameters),
    local: augmentBatch(batch.localCrops, batch.localParameters),
  }),
  { engine: onnxEngine({ threads: 1 }) },
);

/** Milliseconds of processor time per image, over all threads of this process. */
async function measure(work) {
  const before = process.cpuUsage();
  for (let i = 0; i < batches; i++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / images;
}

async function ours(seed) {
  const loader = createLoader({ source: openFolder(folder), batchSize, seed, workers: 1 });
  const load = async () => {
    const { globalCrops, localCrops, globalParameters, localParameters } = (await loader.next()).value;
    return { globalCrops, localCrops, globalParameters, localParameters };
  };
  const loadAndAugment = async () => {
    const { global, local } = await step(await load());
    global.dispose();
    local.dispose();
  };
  // Compiled code and steady state: the batches loaded ahead are then as many at the end as at the start.
  for (let i = 0; i < 4; i++) await loadAndAugment();
  const complete = await measure(loadAndAugment);
  const crops = await measure(load);
  await loader.close();
  return { complete, crops };
}

function torchvision() {
  const script = fileURLToPath(new URL('peers/torchvision_pipeline.py', import.meta.url));
  const { cpuSeconds } = JSON.parse(execFileSync(values.python, [script, folder, String(images)], { encoding: 'utf8' }));
  return (cpuSeconds * 1000) / images;
}

const rounds = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const { complete, crops } = await ours(round);
  const peer = torchvision();
  rounds.push({ complete, crops, peer });
  console.log(
    `round ${round + 1}: ours ${complete.toFixed(2)} ms per image (decode and crops alone ${crops.toFixed(2)}), torchvision ${peer.toFixed(2)} ms`,
  );
}
rmSync(folder, { recursive: true });

const median = (name) => rounds.map((round) => round[name]).sort((a, b) => a - b)[rounds.length >> 1];
const report = {
  cpu: cpus()[0].model,
  node: process.version,
  date: new Date().toISOString(),
  images,
  millisecondsPerImage: { ours: median('complete'), oursDecodeAndCrops: median('crops'), torchvision: median('peer') },
  imagesPerSecondPerCore: { ours: 1000 / median('complete'), torchvision: 1000 / median('peer') },
  ratio: median('peer') / median('complete'),
  rounds,
};
const { ours: mine, torchvision: peer } = report.imagesPerSecondPerCore;
console.log(`${mine.toFixed(1)} images per second of one core, torchvision ${peer.toFixed(1)}: ratio ${report.ratio.toFixed(2)}`);
const results = new URL('results/', import.meta.url);
mkdirSync(results, { recursive: true });
writeFileSync(new URL('input-pipeline.json', results), `${JSON.stringify(report, null, 2)}\n`);
