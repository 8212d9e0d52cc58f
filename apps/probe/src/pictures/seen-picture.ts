import type { Preprocessing } from '@dinov2/augment';
import { preprocess } from '@dinov2/data';
import type { Picture } from './picture';

/** What a network sees of a file: resized and cut, with the colours of the file. */
export async function seenPicture(path: string, preprocessing: Preprocessing, { autoOrient }: { readonly autoOrient?: boolean }): Promise<Picture> {
  const { data, shape } = await preprocess(path, preprocessing, { autoOrient });
  const { mean, std } = preprocessing;
  const [, height, width] = shape as readonly [number, number, number, number];
  return { data: Uint8Array.from(data, (value, i) => Math.round(255 * Math.min(1, Math.max(0, value * std[i % 3]! + mean[i % 3]!)))), width, height };
}
