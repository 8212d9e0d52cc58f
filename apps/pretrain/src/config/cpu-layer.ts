import { scaledLearningRate } from '@dinov2/trainer';
import { type Layer, optionLayer } from './layer';
import type { ModelSize, Settings } from './schema';

/** Images of a step that a CPU takes for the sizes whose recipes were written for many GPUs. */
const cpuBatchSize: Partial<Record<ModelSize, number>> = { base: 8, large: 4, giant: 2 };

/**
 * Settings for a step of minutes, where the recipe behind `--model` accumulates thousands of images.
 * They go over the recipe and under what the user says. `undefined` where the recipe fits as it is.
 */
export function cpuLayer({ model }: Settings): Layer | undefined {
  const batchSize = model.size === null ? undefined : cpuBatchSize[model.size];
  if (batchSize === undefined) return undefined;
  const option = `--model ${model.size}`;
  return optionLayer(new Map([
    ['batchSize', { value: batchSize, option }],
    ['accumulationSteps', { value: 1, option }],
  ]));
}

/** Tell the user of {@link cpuLayer}. */
export function cpuNote({ batchSize, accumulationSteps, optimizer }: Settings, recipe: string): string {
  const images = batchSize * accumulationSteps;
  const rate = scaledLearningRate(optimizer.baseLearningRate, images).toExponential(1);
  return `${images} images a step for a CPU, not those of ${recipe}; learning rate ${rate}, scaled by the square root. --config ${recipe} keeps the recipe`;
}
