import sharp from 'sharp';
import { DataError } from './error';

/** An image in memory: interleaved 8-bit RGB, row by row. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface DecodeOptions {
  /** Turn the picture as its EXIF orientation says; off by default, as in DINOv2. */
  readonly autoOrient?: boolean;
  /** Images with a side shorter than this are refused; 8 pixels by default. */
  readonly minimumSide?: number;
}

/**
 * Read an image file, or the bytes of one, as 8-bit RGB: the first frame, without alpha (dropped, not blended), gray in
 * all three channels, embedded colour profiles ignored as PIL's `convert('RGB')` does. CMYK goes
 * through a colour profile, where PIL uses a plain formula.
 *
 * @throws DataError with the reason when the file is missing, broken, truncated or too small.
 */
export async function decodeImage(
  input: string | Uint8Array,
  { autoOrient = false, minimumSide = 8 }: DecodeOptions = {},
): Promise<RgbImage> {
  if (typeof input !== 'string' && input.length === 0) throw new DataError('the file is empty');
  const { data, info } = await sharp(input, { failOn: 'error', ignoreIcc: true, autoOrient })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: Error) => {
      throw new DataError(reasonOf(cause), { cause });
    });
  const { width, height, channels } = info;
  if (Math.min(width, height) < minimumSide) {
    throw new DataError(`${width} × ${height} pixels; sides below ${minimumSide} are not used`);
  }
  return { data: channels === 3 ? data : spreadGray(data, channels), width, height };
}

/**
 * Why an image cannot be decoded. What sharp says by itself is taken as it is. What comes from libvips is not: its threads
 * share one list of errors, so that an image may get the text of another, or none, and the same file would fail for another
 * reason each time.
 */
function reasonOf({ message }: Error): string {
  const [own] = /^Input (file is missing.*|\w+ contains unsupported image format|\w+ has corrupt header|image exceeds pixel limit)/.exec(message) ?? [];
  return own ?? 'the image is damaged or cut off';
}

function spreadGray(data: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    rgb.fill(data[from], to, to + 3);
  }
  return rgb;
}
