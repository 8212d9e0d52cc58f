// A small real run in a process of its own, for tests/resume.test.ts to kill: node resume-run.mjs FOLDER
import '@tensorflow/tfjs';
import { multiCropRecipe } from '@dinov2/augment';
import { openSource } from '@dinov2/data';
import { onnxEngine } from '@dinov2/engine-onnx';
import { createTrainer, imageCrops } from '@dinov2/trainer';
import { vitConfig } from '@dinov2/vit';

const head = { prototypes: 128, hiddenDim: 64, bottleneckDim: 32, layers: 3 };
const config = {
  seed: 3,
  iterations: 60,
  batchSize: 4,
  accumulationSteps: 1,
  model: vitConfig('tiny', { embedDim: 48, depth: 3, patchSize: 8, imageSize: 32 }),
  dropPath: { rate: 0.3, uniform: true },
  crops: multiCropRecipe({ globalSize: 32, localSize: 16, localCount: 3 }),
  dino: { lossWeight: 1, koleoWeight: 0.1, head },
  ibot: { lossWeight: 1, separateHead: true, head, maskProbability: 0.5, maskRatio: [0.1, 0.5] },
  centering: 'centering',
  optimizer: {
    baseLearningRate: 4e-3, minLearningRate: 1e-6, warmupIterations: 10, freezeLastLayerIterations: 5, weightDecay: 0.04,
    weightDecayEnd: 0.2, clipGradient: 3, layerwiseDecay: 0.9, patchEmbedMultiplier: 0.2, beta1: 0.9, beta2: 0.999,
  },
  teacher: { momentum: 0.992, momentumEnd: 1, warmupTemperature: 0.04, temperature: 0.07, temperatureWarmupIterations: 30 },
  logEvery: 1,
  checkpointEvery: 3,
  keepCheckpoints: 2,
  evaluateEvery: 0,
};

const sample = new URL('../../apps/pretrain/sample/train', import.meta.url).pathname;
const trainer = await createTrainer(config, {
  engine: onnxEngine({ threads: 2 }),
  folder: process.argv[2],
  data: imageCrops(openSource(sample), { workers: 2 }),
  onStep: ({ iteration, loss }) => console.log(`${iteration} ${loss}`),
  onWarning: (message) => console.log('warning', message),
});
console.log(`start ${trainer.iteration}`);
console.log(`finished ${await trainer.run()}`);
process.exit(0);
