// Time and memory to trace, plan and compile the whole training step of ViT-L/14, without weights.
//
//   npm run build && node bench/compile-large.mjs [--batch 8]
//
// The configuration is the official vitl14 (SwiGLU, two heads of 131 072 prototypes, drop path 0.4).
// Writes bench/results/compile-large.json.
import '@tensorflow/tfjs';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { multiCropRecipe } from '@dinov2/augment';
import { onnxEngine } from '@dinov2/engine-onnx';
import { jit } from '@dinov2/jit';
import { batchSpecs, createStep, stateSpecs } from '@dinov2/trainer';
import { vitConfig } from '@dinov2/vit';

const { values } = parseArgs({ options: { batch: { type: 'string', default: '8' } } });
const head = (bottleneckDim) => ({ prototypes: 131_072, hiddenDim: 2048, bottleneckDim, layers: 3 });
const config = {
  seed: 0, iterations: 625_000, batchSize: Number(values.batch), accumulationSteps: 1,
  model: vitConfig('large', { patchSize: 14, imageSize: 224, ffn: 'swiglu' }),
  dropPath: { rate: 0.4, uniform: true },
  crops: multiCropRecipe(),
  dino: { lossWeight: 1, koleoWeight: 0.1, head: head(384) },
  ibot: { lossWeight: 1, separateHead: true, head: head(256), maskProbability: 0.5, maskRatio: [0.1, 0.5] },
  centering: 'sinkhorn_knopp',
  optimizer: {
    baseLearningRate: 2e-4, minLearningRate: 1e-6, warmupIterations: 100_000, freezeLastLayerIterations: 1250, weightDecay: 0.04,
    weightDecayEnd: 0.2, clipGradient: 3, layerwiseDecay: 1, patchEmbedMultiplier: 0.2, beta1: 0.9, beta2: 0.999,
  },
  teacher: { momentum: 0.994, momentumEnd: 1, warmupTemperature: 0.04, temperature: 0.07, temperatureWarmupIterations: 37_500 },
  logEvery: 10, checkpointEvery: 3750, keepCheckpoints: 1, evaluateEvery: 0,
};

const scalar = { shape: [], dtype: 'float32' };
const scalars = Object.fromEntries(
  ['learningRate', 'lastLayerLearningRate', 'weightDecay', 'teacherMomentum', 'teacherTemperature', 'correction1', 'correction2'].map(
    (name) => [name, scalar],
  ),
);
const engine = await onnxEngine();
const step = jit(createStep(config).trainStep, { engine, donate: [0] });
const args = [stateSpecs(config), undefined, batchSpecs(config), scalars];

let start = performance.now();
const lowered = step.lower(...args);
const traceSeconds = (performance.now() - start) / 1000;
start = performance.now();
const { memory } = await step.compile(...args);
const compileSeconds = (performance.now() - start) / 1000;
const peakBytes = process.resourceUsage().maxRSS * 1024;

const result = {
  date: new Date().toISOString(), batch: config.batchSize, nodes: lowered.graph.nodes.length, flops: lowered.cost.flops,
  traceSeconds, compileSeconds, peakBytes,
  stateBytes: memory.inputs, temporaryBytes: memory.temporary,
};
console.table({
  'ViT-L/14 step': {
    batch: result.batch, nodes: result.nodes, TFLOP: +(result.flops / 1e12).toFixed(1), 'trace s': +traceSeconds.toFixed(1),
    'compile s': +compileSeconds.toFixed(1), 'peak MB': Math.round(peakBytes / 1e6),
    'a run would hold, GB': +((memory.inputs + memory.temporary) / 1e9).toFixed(1),
  },
});
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(new URL('results/compile-large.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
