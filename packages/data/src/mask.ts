import { checkSize, type RasterSize, readRaster } from './raster';

/** Which class every pixel of an image belongs to. */
export interface ClassMask extends RasterSize {
  /** (height · width,) class numbers, row by row; 255 is to be ignored. */
  readonly data: Uint8Array | Int32Array;
}

/**
 * Read the class mask of an image: the palette indices of a PNG with a palette (Pascal VOC), or gray
 * values of 8 bits (ADE20k, Cityscapes' labelIds) or 16 (as Int32Array). Nothing is subtracted: what
 * ADE20k's `reduce_zero_label` does is up to the caller.
 *
 * @param size - the image's; the mask must have it.
 * @throws DataError when the file cannot be read, holds colours, or is of another size.
 */
export async function readMask(path: string, size?: RasterSize): Promise<ClassMask> {
  const { data, width, height } = await readRaster(path, 'mask');
  checkSize({ width, height }, size, 'mask', path);
  return { data: data instanceof Uint16Array ? Int32Array.from(data) : data, width, height };
}
