// The configurations that are measured, as the trainer takes them.
import { multiCropRecipe } from '@dinov2/augment';
import { vitConfig } from '@dinov2/vit';

const head = (prototypes, bottleneckDim) => ({ prototypes, hiddenDim: 2048, bottleneckDim, layers: 3 });

/** As vitl16_short with patches of 14: there is no official configuration of S and B. */
const short = {
  dropPath: { rate: 0.3, uniform: true },
  dino: { lossWeight: 1, koleoWeight: 0.1, head: head(65_536, 256) },
  ibot: { lossWeight: 1, separateHead: false, head: head(65_536, 256), maskProbability: 0.5, maskRatio: [0.1, 0.5] },
};

/** vitl14 and vitg14 */
const long = {
  dropPath: { rate: 0.4, uniform: true },
  dino: { lossWeight: 1, koleoWeight: 0.1, head: head(131_072, 384) },
  ibot: { lossWeight: 1, separateHead: true, head: head(131_072, 256), maskProbability: 0.5, maskRatio: [0.1, 0.5] },
};

const official = (size, batchSize, recipe, overrides = {}) => ({
  batchSize,
  model: vitConfig(size, { patchSize: 14, imageSize: 224, layerScale: 1e-5, ...overrides }),
  crops: multiCropRecipe({ globalSize: 224, localSize: 98, localCount: 8 }),
  ...recipe,
});

const small = { prototypes: 96, hiddenDim: 32, bottleneckDim: 16, layers: 3 };

/** `batchSize` is the official one per GPU. `micro` has every part and runs anywhere. */
const models = {
  micro: {
    batchSize: 4,
    model: vitConfig('tiny', { embedDim: 32, depth: 2, heads: 2, patchSize: 14, imageSize: 56, layerScale: 0.5 }),
    crops: multiCropRecipe({ globalSize: 56, localSize: 28, localCount: 3 }),
    dropPath: { rate: 0.4, uniform: true },
    dino: { lossWeight: 1, koleoWeight: 0.1, head: small },
    ibot: { lossWeight: 1, separateHead: true, head: small, maskProbability: 0.5, maskRatio: [0.1, 0.5] },
  },
  s: official('small', 64, short),
  b: official('base', 64, short),
  l: official('large', 32, long, { ffn: 'swiglu' }),
  g: official('giant2', 12, long),
};

export const modelNames = Object.keys(models);

/** The trainer's configuration of a model, for one optimizer step per batch. */
export function recipe(name, batchSize) {
  const model = models[name];
  if (model === undefined) throw new Error(`there is no model "${name}"; the models are ${modelNames.join(', ')}`);
  return {
    seed: 0, iterations: 1000, accumulationSteps: 1,
    centering: 'sinkhorn_knopp',
    optimizer: {
      baseLearningRate: 4e-3, minLearningRate: 1e-6, warmupIterations: 100, freezeLastLayerIterations: 1, weightDecay: 0.04,
      weightDecayEnd: 0.2, clipGradient: 3, layerwiseDecay: name === 'l' || name === 'g' ? 1 : 0.9, patchEmbedMultiplier: 0.2,
      beta1: 0.9, beta2: 0.999,
    },
    teacher: { momentum: 0.994, momentumEnd: 1, warmupTemperature: 0.04, temperature: 0.07, temperatureWarmupIterations: 100 },
    logEvery: 10, checkpointEvery: 1000, keepCheckpoints: 1, evaluateEvery: 0,
    ...model,
    ...(batchSize !== undefined && { batchSize }),
  };
}

/** Values of the t-th step (t = 1, 2, …), of the middle of a run. */
export const scalars = (t) => ({
  learningRate: 1e-4, lastLayerLearningRate: 1e-4, weightDecay: 0.04, teacherMomentum: 0.994, teacherTemperature: 0.07,
  correction1: 1 / (1 - 0.9 ** t), correction2: 1 / (1 - 0.999 ** t),
});
