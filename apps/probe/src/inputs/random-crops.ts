import { type Preprocessing, sampleResizedCrop } from '@dinov2/augment';
import { decodeImage, imageFile, type ImageSource, resample } from '@dinov2/data';
import type { Random } from '@dinov2/primitives';
import type { HostArray } from '@dinov2/vit';
import { ProbeError } from '../error';

/** Ratios of width to height, torchvision's. */
const RATIO = [3 / 4, 4 / 3] as const;

export interface RandomCropOptions {
  /** Least and largest share of the picture's area. */
  readonly scale: readonly [number, number];
  readonly autoOrient?: boolean;
}

/** A random resized crop of each picture, mirrored or not, as an input of the network: (B, H, W, 3), normalised. */
export async function randomCrops(
  source: Pick<ImageSource, 'paths' | 'spans'>,
  randoms: readonly Random[],
  preprocessing: Preprocessing,
  { scale, autoOrient = false }: RandomCropOptions,
): Promise<HostArray> {
  const { paths } = source;
  const { mean, std, resample: filter } = preprocessing;
  const kept = preprocessing.crop ?? ('shortestEdge' in preprocessing.resize ? undefined : preprocessing.resize);
  if (kept === undefined) throw new ProbeError('the preprocessing keeps pictures of any size; pass --size for crops of one');
  const { width, height } = kept;
  const size = height * width * 3;
  const data = new Float32Array(paths.length * size);
  await Promise.all(
    paths.map(async (path, i) => {
      const image = await imageFile(source, i).then((file) => decodeImage(file, { autoOrient })).catch((error: Error) => {
        throw new ProbeError(`cannot read ${path}: ${error.message}; remove it from the data`);
      });
      const random = randoms[i]!;
      const crop = sampleResizedCrop(random, image, scale, RATIO);
      const pixels = resample(image, [{ crop, width, height, flip: random.uniform() < 0.5, filter }]);
      for (let at = 0; at < size; at++) data[i * size + at] = (pixels[at]! / 255 - mean[at % 3]!) / std[at % 3]!;
    }),
  );
  return { data, shape: [paths.length, height, width, 3] };
}
