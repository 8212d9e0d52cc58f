// A DINOv2 training step's losses and gradients: compiled on ONNX Runtime against the same function
// run op by op on tfjs-backend-wasm.
//
//   npm run build && node bench/step-vs-wasm.mjs [--depth 4] [--batch 2] [--rounds 3]
//
// ViT-S/14 cut to `depth` blocks and 4096 prototypes, which the wasm backend can hold. The same
// inputs, in turns; the ratio of the medians counts. Writes bench/results/step-vs-wasm.json.
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { multiCropRecipe } from '@dinov2/augment';
import { onnxEngine } from '@dinov2/engine-onnx';
import { flattenTree, jit, mapTree } from '@dinov2/jit';
import { assembleBatch, createStep, initialState, initialStudent } from '@dinov2/trainer';
import { vitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: '4' },
    batch: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
  },
});
const batchSize = Number(values.batch);
const head = { prototypes: 4096, hiddenDim: 2048, bottleneckDim: 256, layers: 3 };
const config = {
  seed: 0, iterations: 100, batchSize, accumulationSteps: 1,
  model: vitConfig('small', { depth: Number(values.depth), patchSize: 14, imageSize: 224 }),
  dropPath: { rate: 0.3, uniform: true },
  crops: multiCropRecipe(),
  dino: { lossWeight: 1, koleoWeight: 0.1, head },
  ibot: { lossWeight: 1, separateHead: false, head, maskProbability: 0.5, maskRatio: [0.1, 0.5] },
  centering: 'sinkhorn_knopp',
  optimizer: {
    baseLearningRate: 1, minLearningRate: 0, warmupIterations: 0, freezeLastLayerIterations: 0, weightDecay: 0,
    weightDecayEnd: 0, clipGradient: 3, layerwiseDecay: 0.9, patchEmbedMultiplier: 0.2, beta1: 0.9, beta2: 0.999,
  },
  teacher: { momentum: 0.99, momentumEnd: 1, warmupTemperature: 0.04, temperature: 0.07, temperatureWarmupIterations: 1 },
  logEvery: 1, checkpointEvery: 100, keepCheckpoints: 1, evaluateEvery: 0,
};
await tf.setBackend('wasm');
await tf.ready();
const engine = await onnxEngine();
const { accumulateStep } = createStep(config);
const compiled = jit(accumulateStep, { engine });

const student = initialStudent(config);
const bytes = (count) => Uint8Array.from({ length: count }, () => Math.random() * 256);
const batch = assembleBatch(
  config,
  {
    globalCrops: bytes(2 * batchSize * 224 * 224 * 3),
    localCrops: bytes(8 * batchSize * 98 * 98 * 3),
    globalAugmentation: new Float32Array(2 * batchSize * 12),
    localAugmentation: new Float32Array(8 * batchSize * 12),
  },
  0,
);
const scalars = Object.fromEntries(
  ['learningRate', 'lastLayerLearningRate', 'weightDecay', 'teacherMomentum', 'teacherTemperature', 'correction1', 'correction2'].map(
    (name) => [name, 0.05],
  ),
);
const state = initialState(engine, config, student);
const model = { student: state.student, teacher: state.teacher };
const dtype = (data) => (data instanceof Int32Array ? 'int32' : data instanceof Uint8Array ? 'bool' : 'float32');
const tensor = (leaf) => (typeof leaf === 'number' ? tf.scalar(leaf) : tf.tensor(leaf.data, leaf.shape, dtype(leaf.data)));
const eager = [mapTree({ student, teacher: student }, tensor), undefined, mapTree(batch, tensor), mapTree(scalars, tensor)];

const run = {
  async compiled() {
    const sums = await compiled(model, undefined, batch, scalars);
    const metrics = await sums.metrics.data();
    flattenTree(sums).leaves.forEach((leaf) => leaf.dispose());
    return metrics;
  },
  async wasm() {
    const sums = tf.tidy(() => accumulateStep(...eager));
    const metrics = await sums.metrics.data();
    tf.dispose(sums);
    return metrics;
  },
};
const first = { compiled: [...(await run.compiled())], wasm: [...(await run.wasm())] };
const seconds = { compiled: [], wasm: [] };
for (let i = 0; i < Number(values.rounds); i++) {
  for (const name of Object.keys(run)) {
    const start = performance.now();
    await run[name]();
    seconds[name].push((performance.now() - start) / 1000);
  }
}
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const result = {
  date: new Date().toISOString(), depth: config.model.depth, batch: batchSize, firstMetrics: first, seconds,
  ratio: median(seconds.wasm) / median(seconds.compiled),
};
console.table(Object.fromEntries(Object.entries(seconds).map(([name, list]) => [name, { 's/step': +median(list).toFixed(3), losses: first[name].map((x) => x.toFixed(4)).join(' ') }])));
console.log(`compiled is ${result.ratio.toFixed(1)}x as fast`);
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(new URL('results/step-vs-wasm.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
