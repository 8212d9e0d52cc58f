import { type Preprocessing, sampleResizedCrop } from '@dinov2/augment';
import { createSampler, type Dataset, decodeImage, resample } from '@dinov2/data';
import type { LinearBatch } from '@dinov2/evaluation';
import type { Extractor } from '@dinov2/features';
import { createRandom, type Random } from '@dinov2/primitives';
import { ProbeError } from '../error';

/** Of the training augmentation of the linear protocol (DINOv2, appendix B.3). */
const SCALE = [0.08, 1] as const;
const RATIO = [3 / 4, 4 / 3] as const;

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
  const side = preprocessing.crop ?? ('shortestEdge' in preprocessing.resize ? undefined : preprocessing.resize);
  if (side === undefined) throw new ProbeError('the preprocessing keeps pictures of any size; pass --size for --augment');
  const size = side.height * side.width * 3;
  return async (iteration) => {
    const drawn = Int32Array.from({ length: batchSize }, (_, i) => sampler.at(iteration * batchSize + i));
    const data = new Float32Array(batchSize * size);
    await Promise.all(
      Array.from(drawn, async (index, i) => {
        const pixels = await drawCrop(dataset.paths[index]!, random.fork(iteration * batchSize + i), side, preprocessing, autoOrient === true);
        for (let at = 0; at < size; at++) data[i * size + at] = (pixels[at]! / 255 - preprocessing.mean[at % 3]!) / preprocessing.std[at % 3]!;
      }),
    );
    const { classTokens, meanPatch } = await extractor.extract({ data, shape: [batchSize, side.height, side.width, 3] });
    return { classTokens, ...(meanPatch && { meanPatch }), labels: drawn.map((index) => dataset.labels[index]!) };
  };
}

async function drawCrop(path: string, random: Random, { width, height }: { width: number; height: number }, { resample: filter }: Preprocessing, autoOrient: boolean): Promise<Uint8Array> {
  const image = await decodeImage(path, { autoOrient }).catch((error: Error) => {
    throw new ProbeError(`cannot read ${path}: ${error.message}; remove it, or leave out --augment, which skips what cannot be read`);
  });
  const crop = sampleResizedCrop(random, image, SCALE, RATIO);
  return resample(image, [{ crop, width, height, flip: random.uniform() < 0.5, filter }]);
}
