import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { DataError } from './error';
import { withIndicesAsGray } from './png-indices';

export interface RasterSize {
  readonly width: number;
  readonly height: number;
}

/** Numbers as a file stores them, row by row; not colours. */
export interface Raster extends RasterSize {
  readonly data: Uint8Array | Uint16Array;
}

/**
 * Read the numbers of a single-channel PNG or TIFF: palette indices, or gray values of up to 16 bits.
 *
 * @param what - 'mask' or 'depth map', for messages.
 * @throws DataError when the file is missing or broken, has colours, or is of a lossy format.
 */
export async function readRaster(path: string, what: string): Promise<Raster> {
  const unreadable = (cause: unknown) => {
    throw new DataError(`cannot read the ${what} ${path}: ${(cause as Error).message}`, { cause });
  };
  const file = await readFile(path).catch(unreadable);
  const { format, space, bitsPerSample = 8, isPalette, channels } = await sharp(file).metadata().catch(unreadable);
  const gray = space === 'b-w' || space === 'grey16';
  if (format !== 'png' && format !== 'tiff') {
    throw new DataError(`the ${what} ${path} is ${format}, which does not keep numbers; save it as PNG`);
  }
  if (!gray && !(isPalette && format === 'png')) {
    throw new DataError(
      `the ${what} ${path} has ${channels} channels of colour; save it as a PNG with one number per pixel, gray or with a palette`,
    );
  }
  const packed = format === 'png' && bitsPerSample <= 8 && (isPalette || channels === 1);
  const wide = space === 'grey16';
  const { data, info } = await sharp(packed ? withIndicesAsGray(file) : file, { failOn: 'error', ignoreIcc: true })
    .toColourspace(wide ? 'grey16' : 'b-w')
    .extractChannel(0)
    .raw({ depth: wide ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(unreadable);
  const { width, height } = info;
  // Copied, because a 16-bit view must start at an even byte of its buffer.
  return { data: wide ? new Uint16Array(Uint8Array.from(data).buffer) : new Uint8Array(data), width, height };
}

/** @throws DataError when a raster has not the size of its image. */
export function checkSize({ width, height }: RasterSize, expected: RasterSize | undefined, what: string, path: string): void {
  if (expected === undefined || (width === expected.width && height === expected.height)) return;
  throw new DataError(
    `the ${what} ${path} has ${width} × ${height} pixels, its image ${expected.width} × ${expected.height}; make them the same size (an image turned by its EXIF orientation is read unturned)`,
  );
}
