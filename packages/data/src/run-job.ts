import { packAugmentParameters, sampleMultiCrop } from '@dinov2/augment';
import { createRandom } from '@dinov2/primitives';
import { cut } from './cut';
import { decodeImage, type RgbImage } from './decode';
import { DataError } from './error';
import type { CutCrops, Job, JobResult, MultiCropTask } from './job';
import { preprocessImage } from './preprocess';
import { resample } from './resample';

/** Decode an image and do its task; a file that cannot be used gives the reason. */
export async function runJob({ path, decode, box, task }: Job): Promise<JobResult> {
  let image: RgbImage;
  try {
    image = await decodeImage(path, decode);
    if (box !== undefined) image = cut(image, box);
  } catch (error) {
    if (error instanceof DataError) return { reason: error.message };
    throw error;
  }
  return task.kind === 'multi-crop' ? cutCrops(image, task) : preprocessImage(image, task.preprocessing);
}

function cutCrops(image: RgbImage, { recipe, seed, position }: MultiCropTask): CutCrops {
  const random = createRandom(seed).fork('multi-crop').fork(position);
  const drawn = sampleMultiCrop(random, image, recipe);
  const crops = [...drawn.global, ...drawn.local];
  const pixels = resample(
    image,
    crops.map(({ crop, size, flip }) => ({ crop, width: size, height: size, flip })),
  );
  return { pixels, parameters: packAugmentParameters(crops) as Float32Array<ArrayBuffer> };
}
