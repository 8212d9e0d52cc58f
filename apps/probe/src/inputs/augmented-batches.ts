import type { Preprocessing } from '@dinov2/augment';
import { createSampler, type Dataset, takeImages } from '@dinov2/data';
import type { LinearBatch } from '@dinov2/evaluation';
import type { Extractor } from '@dinov2/features';
import { createRandom } from '@dinov2/primitives';
import { randomCrops } from './random-crops';

/** Least and largest share of a crop in the training augmentation of the linear protocol (DINOv2, appendix B.3). */
const SCALE = [0.08, 1] as const;

/**
 * Batches of features of freshly drawn crops: random resized crop and flip of each picture, through the network.
 * A function of seed and iteration alone.
 */
export function augmentedBatches(
  extractor: Extractor,
  dataset: Dataset,
  preprocessing: Preprocessing,
  { batchSize, seed, autoOrient }: { readonly batchSize: number; readonly seed: number; readonly autoOrient?: boolean },
): (iteration: number) => Promise<LinearBatch> {
  const sampler = createSampler({ size: dataset.paths.length, seed });
  const random = createRandom(seed).fork('linear crops');
  return async (iteration) => {
    const places = Array.from({ length: batchSize }, (_, i) => iteration * batchSize + i);
    const drawn = places.map((place) => sampler.at(place));
    const images = await randomCrops(takeImages(dataset, drawn), places.map((place) => random.fork(place)), preprocessing, { scale: SCALE, autoOrient });
    const { classTokens, meanPatch } = await extractor.extract(images);
    return { classTokens, ...(meanPatch && { meanPatch }), labels: drawn.map((index) => dataset.labels[index]!) };
  };
}
