import type { Dataset } from './dataset';
import { decodeImage, type RgbImage } from './decode';
import { type DepthMap, readDepth } from './depth';
import { DataError } from './error';
import { placeOf } from './loader';
import { type ClassMask, readMask } from './mask';
import { imageFile } from './read-span';

/** An image and what is known of every pixel, all of one size. */
export interface Sample {
  readonly image: RgbImage;
  readonly mask?: ClassMask;
  readonly depth?: DepthMap;
}

/**
 * Read one image of a data set with its mask and depth map, where it has these.
 *
 * @param options.depthScale - metres per stored unit, as `scale` of `readDepth`.
 * @throws DataError when one of the files cannot be read or they differ in size.
 */
export async function readSample(
  { paths, spans, masks, depths }: Pick<Dataset, 'paths' | 'spans' | 'masks' | 'depths'>,
  index: number,
  { depthScale }: { depthScale?: number } = {},
): Promise<Sample> {
  const path = paths[index];
  if (path === undefined) throw new DataError(`no image ${index}; the data set has ${paths.length}`);
  const image = await imageFile({ paths, spans }, index).then((file) => decodeImage(file)).catch((cause: Error) => {
    throw new DataError(`cannot read the image ${placeOf({ path, span: spans?.[index] })}: ${cause.message}`, { cause });
  });
  const [mask, depth] = await Promise.all([
    masks?.[index] === undefined ? undefined : readMask(masks[index], image),
    depths?.[index] === undefined ? undefined : readDepth(depths[index], { scale: depthScale, size: image }),
  ]);
  return { image, ...(mask && { mask }), ...(depth && { depth }) };
}
