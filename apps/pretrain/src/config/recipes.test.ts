import { describe, expect, it } from 'vitest';
import { configLayer, recipeNames } from './recipes';
import { resolveSettings } from './resolve';

const recipe = (name: string) => resolveSettings([configLayer(name)]);
const peakLearningRate = (name: string) => {
  const { optimizer, batchSize, accumulationSteps } = recipe(name);
  return optimizer.baseLearningRate * Math.sqrt((batchSize * accumulationSteps) / 1024);
};

describe('official recipes', () => {
  it('vitl16_short has the numbers of dinov2/configs/train/vitl16_short.yaml over its defaults', () => {
    expect(recipe('vitl16_short')).toMatchObject({
      iterations: 100 * 1250,
      model: { size: 'large', patchSize: 16, registers: 0, layerScale: 1e-5, depth: null, ffn: null },
      dropPath: { rate: 0.3, uniform: true },
      crops: { globalSize: 224, localSize: 96, localCount: 8, globalScale: [0.32, 1], localScale: [0.05, 0.32] },
      dino: { lossWeight: 1, koleoWeight: 0.1, head: { prototypes: 65536, bottleneckDim: 256, hiddenDim: 2048, layers: 3 } },
      ibot: { lossWeight: 1, separateHead: false, maskProbability: 0.5, maskRatio: [0.1, 0.5] },
      centering: 'centering',
      optimizer: {
        baseLearningRate: 4e-3,
        minLearningRate: 1e-6,
        warmupIterations: 10 * 1250,
        freezeLastLayerIterations: 1250,
        weightDecay: 0.04,
        weightDecayEnd: 0.4,
        clipGradient: 3,
        layerwiseDecay: 0.9,
        patchEmbedMultiplier: 0.2,
        beta1: 0.9,
        beta2: 0.999,
      },
      teacher: { momentum: 0.992, momentumEnd: 1, warmupTemperature: 0.04, temperature: 0.07, temperatureWarmupIterations: 30 * 1250 },
      keepCheckpoints: 3,
      evaluateEvery: 12500,
    });
    expect(recipe('vitl16_short').batchSize * recipe('vitl16_short').accumulationSteps).toBe(2048);
    // 4e-3 · √2
    expect(peakLearningRate('vitl16_short')).toBeCloseTo(5.657e-3, 6);
  });

  it.each([
    ['vitl14', 'large', 32],
    ['vitg14', 'giant', 12],
  ])('%s has the numbers of its official configuration', (name, size, perDevice) => {
    const settings = recipe(name);
    expect(settings).toMatchObject({
      iterations: 500 * 1250,
      batchSize: perDevice,
      model: { size, patchSize: 14, ffn: 'swiglu', layerScale: 1e-5, registers: 0 },
      dropPath: { rate: 0.4, uniform: true },
      crops: { globalSize: 224, localSize: 98, localCount: 8 },
      dino: { koleoWeight: 0.1, head: { prototypes: 131072, bottleneckDim: 384, hiddenDim: 2048, layers: 3 } },
      ibot: { separateHead: true, head: { prototypes: 131072, bottleneckDim: 256, hiddenDim: 2048, layers: 3 } },
      centering: 'sinkhorn_knopp',
      optimizer: {
        baseLearningRate: 2e-4,
        warmupIterations: 80 * 1250,
        freezeLastLayerIterations: 1250,
        weightDecay: 0.04,
        weightDecayEnd: 0.2,
        layerwiseDecay: 1,
        patchEmbedMultiplier: 0.2,
        clipGradient: 3,
      },
      teacher: { momentum: 0.994, momentumEnd: 1, warmupTemperature: 0.04, temperature: 0.07, temperatureWarmupIterations: 37500 },
    });
    expect(settings.batchSize * settings.accumulationSteps).toBe(3072);
    expect(peakLearningRate(name)).toBeCloseTo(3.464e-4, 7);
  });
});

describe('every recipe', () => {
  it.each(recipeNames())('%s resolves, and its crops are whole patches', (name) => {
    const { crops, model } = recipe(name);
    expect(crops.globalSize % model.patchSize).toBe(0);
    expect(crops.localSize % model.patchSize).toBe(0);
  });

  it('is refused by name with the list when there is none', () => {
    expect(() => configLayer('vitl15')).toThrow(/no recipe and no file "vitl15"; recipes are cpu-small, cpu-tiny/);
  });
});
