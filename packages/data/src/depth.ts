import { DataError } from './error';
import { readNpy } from './npy';
import { checkSize, type RasterSize, readRaster } from './raster';

/** How far away every pixel of an image is. */
export interface DepthMap extends RasterSize {
  /** (height · width,) metres, row by row; 0 where unknown. */
  readonly data: Float32Array;
}

export interface DepthOptions {
  /** Metres per stored unit: by default 1/1000 for whole numbers, 1 for floats. KITTI has 1/256. */
  readonly scale?: number;
  /** The image's size; the map must have it. */
  readonly size?: RasterSize;
}

/**
 * Read the depth map of an image: a 16-bit gray PNG or TIFF, or an array of NumPy (`.npy`) of two
 * dimensions. What is not above 0, not finite or not a number is unknown.
 *
 * @throws DataError when the file cannot be read, has 8 bits and no `scale` is given, or is of another size.
 */
export async function readDepth(path: string, { scale, size }: DepthOptions = {}): Promise<DepthMap> {
  const { data, width, height } = path.toLowerCase().endsWith('.npy')
    ? await readNpy(path)
    : await readRaster(path, 'depth map');
  if (data instanceof Uint8Array && scale === undefined) {
    throw new DataError(
      `the depth map ${path} has 8 bits, too few for millimetres; save 16 bits, or pass scale, the metres per unit`,
    );
  }
  checkSize({ width, height }, size, 'depth map', path);
  const unit = scale ?? (data instanceof Uint16Array ? 1 / 1000 : 1);
  const metres = Float32Array.from(data, (value) => (value > 0 && value < Infinity ? value * unit : 0));
  return { data: metres, width, height };
}
