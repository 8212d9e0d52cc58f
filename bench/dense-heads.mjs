// Milliseconds per training step of segmentation and depth heads on tokens of a ViT-S/14 at 224 pixels:
//   npx turbo run build --filter=@dinov2/evaluation... --filter=@dinov2/engine-onnx && node bench/dense-heads.mjs
// Random numbers in place of tokens; the features of views are not counted. Writes bench/results/dense-heads.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import '@tensorflow/tfjs';
import { onnxEngine } from '@dinov2/engine-onnx';
import { trainDepth, trainSegmentation } from '@dinov2/evaluation';

const side = 224;
const width = 384;
const steps = 12;
const engine = onnxEngine();

const results = [];

/** Tokens without a network. */
const tokens = (blocks) => async ({ shape: [batch, height, across] }) => {
  const shape = [batch, blocks, height / 14, across / 14, width];
  const random = (sizes) => ({ data: Float32Array.from({ length: sizes.reduce((a, b) => a * b) }, () => 2 * Math.random() - 1), shape: sizes });
  return { patchTokens: random(shape), classTokens: random([batch, blocks, width]) };
};

const image = { data: new Uint8Array(side * side * 3), width: side, height: side };
const mask = { data: Uint8Array.from({ length: side * side }, (_, i) => i % 8), width: side, height: side };
const depth = { data: Float32Array.from({ length: side * side }, (_, i) => 1 + (i % 90) / 10), width: side, height: side };
const train = { length: 16, sample: async () => ({ image, mask, depth }) };

async function measure(name, run) {
  const times = [];
  let last;
  const { head, recipe } = await run({
    train,
    engine,
    iterations: steps,
    views: 1,
    onProgress() {
      const now = performance.now();
      if (last !== undefined) times.push(now - last);
      last = now;
    },
  });
  head.dispose();
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  results.push({ name, batchSize: recipe.batchSize, milliseconds: median });
  console.log(`${name.padEnd(34)} batch ${String(recipe.batchSize).padStart(2)} ${median.toFixed(0).padStart(6)} ms`);
}

await measure('segmentation, linear, 8 classes', (options) => trainSegmentation({ ...options, classes: 8, extract: tokens(1) }));
await measure('segmentation, 4 blocks, 8 classes', (options) => trainSegmentation({ ...options, classes: 8, extract: tokens(4) }));
await measure('depth, linear, 1 block', (options) => trainDepth({ ...options, extract: tokens(1) }));
await measure('depth, linear, 4 blocks', (options) => trainDepth({ ...options, extract: tokens(4) }));
await measure('depth, DPT of 32 channels', (options) => trainDepth({ ...options, head: 'dpt', extract: tokens(4) }));
await engine.dispose();

const output = new URL('results/', import.meta.url);
mkdirSync(output, { recursive: true });
writeFileSync(
  new URL('dense-heads.json', output),
  `${JSON.stringify({ date: new Date().toISOString(), cpu: cpus()[0].model, threads: availableParallelism(), results }, null, 2)}\n`,
);
