// One DINOv2 training step of ViT-S/14 with the backbone frozen against the whole step.
//
//   npm run build && node bench/frozen-step.mjs [--batch 4] [--steps 7] [--prototypes 8192]
//
// 2×112 + 6×56 crops, as the cpu-small recipe. Both steps run on one state and take turns; the ratio of the
// medians counts. Writes bench/results/frozen-step.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { multiCropRecipe } from '@dinov2/augment';
import { onnxEngine } from '@dinov2/engine-onnx';
import { jit } from '@dinov2/jit';
import { assembleBatch, createStep, initialState, initialStudent } from '@dinov2/trainer';
import { vitConfig } from '@dinov2/vit';

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '4' },
    steps: { type: 'string', default: '7' },
    prototypes: { type: 'string', default: '8192' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const batchSize = Number(values.batch);
const crops = { globalSize: 112, localSize: 56, localCount: 6 };
const head = { prototypes: Number(values.prototypes), hiddenDim: 1024, bottleneckDim: 256, layers: 3 };
const config = {
  seed: 0, iterations: 1000, batchSize, accumulationSteps: 1,
  model: vitConfig('small', { imageSize: crops.globalSize, layerScale: 1 }),
  dropPath: { rate: 0.1, uniform: true },
  crops: multiCropRecipe(crops),
  dino: { lossWeight: 1, koleoWeight: 0.1, head },
  ibot: { lossWeight: 1, separateHead: false, head, maskProbability: 0.5, maskRatio: [0.1, 0.5] },
  centering: 'sinkhorn_knopp',
  optimizer: {
    baseLearningRate: 1e-3, minLearningRate: 1e-6, warmupIterations: 10, freezeLastLayerIterations: 1, weightDecay: 0.04,
    weightDecayEnd: 0.2, clipGradient: 3, layerwiseDecay: 0.9, patchEmbedMultiplier: 0.2, beta1: 0.9, beta2: 0.999,
  },
  teacher: { momentum: 0.994, momentumEnd: 1, warmupTemperature: 0.05, temperature: 0.05, temperatureWarmupIterations: 1 },
  logEvery: 1, checkpointEvery: 1000, keepCheckpoints: 1, evaluateEvery: 0,
};

const engine = onnxEngine({ threads: Number(values.threads) });
let state = initialState(engine, config, initialStudent(config));
const bytes = (count) => Uint8Array.from({ length: count }, () => Math.random() * 256);
const pictures = {
  globalCrops: bytes(2 * batchSize * crops.globalSize ** 2 * 3),
  localCrops: bytes(crops.localCount * batchSize * crops.localSize ** 2 * 3),
  globalAugmentation: new Float32Array(2 * batchSize * 12),
  localAugmentation: new Float32Array(crops.localCount * batchSize * 12),
};
const scalars = {
  learningRate: 1e-5, lastLayerLearningRate: 1e-5, weightDecay: 0.04, teacherMomentum: 0.994, teacherTemperature: 0.05,
  correction1: 1, correction2: 1,
};
const steps = Object.fromEntries(
  [['whole', false], ['frozen', true]].map(([name, backboneFrozen]) => [name, jit(createStep(config, { backboneFrozen }).trainStep, { engine, donate: [0] })]),
);
const seconds = { whole: [], frozen: [] };
const facts = {};
for (let t = 0; t <= Number(values.steps); t++) {
  const batch = assembleBatch(config, pictures, t);
  for (const [name, step] of Object.entries(steps)) {
    if (t === 0) {
      const { cost, memory } = await step.compile(state, undefined, batch, scalars);
      facts[name] = { gflop: cost.flops / 1e9, temporaryMebibytes: memory.temporary / 2 ** 20 };
    }
    const start = performance.now();
    const result = await step(state, undefined, batch, scalars);
    await result.metrics.data();
    // The first turn fills caches.
    if (t > 0) seconds[name].push((performance.now() - start) / 1000);
    result.metrics.dispose();
    state = result.state;
  }
}
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const result = {
  model: 'ViT-S/14, 2 × 112 + 6 × 56 px', batchSize, prototypes: head.prototypes, cpu: cpus()[0].model, threads: Number(values.threads),
  ...Object.fromEntries(Object.keys(steps).map((name) => [name, { medianSeconds: median(seconds[name]), seconds: seconds[name], ...facts[name] }])),
  ratio: median(seconds.frozen) / median(seconds.whole),
};
for (const name of Object.keys(steps)) {
  const { medianSeconds, gflop, temporaryMebibytes } = result[name];
  console.log(`${name.padEnd(8)} ${medianSeconds.toFixed(3)} s a step, ${gflop.toFixed(0)} GFLOP, ${temporaryMebibytes.toFixed(0)} MiB while it runs`);
}
console.log(`ratio    ${result.ratio.toFixed(3)}`);
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(new URL('results/frozen-step.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
