import { readFile } from 'node:fs/promises';
import { packAugmentParameters, sampleMultiCrop } from '@dinov2/augment';
import { createRandom } from '@dinov2/primitives';
import { cut } from './cut';
import { decodeImage, type RgbImage } from './decode';
import { DataError } from './error';
import type { Describe } from './describe';
import type { CutCrops, DescribedImage, Job, JobResult, MultiCropTask, PreprocessTask } from './job';
import { preprocessImage } from './preprocess';
import { readSpan } from './read-span';
import { resample } from './resample';

/** Decode an image and do its task; a file that cannot be used gives the reason. */
export async function runJob({ path, decode, box, span, task }: Job): Promise<JobResult> {
  const describe = task.kind === 'preprocess' ? task.describe : undefined;
  let image: RgbImage;
  let bytes: Uint8Array | undefined;
  try {
    if (span !== undefined) bytes = await readSpan(path, span);
    else if (describe !== undefined) bytes = await readWhole(path);
    image = await decodeImage(bytes ?? path, decode);
    if (box !== undefined) image = cut(image, box);
  } catch (error) {
    if (error instanceof DataError) return { reason: error.message };
    throw error;
  }
  if (task.kind === 'multi-crop') return cutCrops(image, task);
  return describe === undefined ? preprocessImage(image, task.preprocessing) : described(image, bytes!, describe, task);
}

async function described(image: RgbImage, bytes: Uint8Array, module: string, { preprocessing }: PreprocessTask): Promise<DescribedImage> {
  const { describe } = (await import(module)) as { describe: Describe };
  return { ...preprocessImage(image, preprocessing), description: await describe(image, bytes) };
}

async function readWhole(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => {
    throw new DataError(cause.message, { cause });
  });
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
