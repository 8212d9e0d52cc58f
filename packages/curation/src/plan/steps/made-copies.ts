import { open } from 'node:fs/promises';
import type { RgbImage } from '@dinov2/data';
import sharp, { type Sharp } from 'sharp';

/** Where the bytes of a picture lie. */
export interface PictureFile {
  readonly path: string;
  /** Within a tar; null for a whole file. */
  readonly offset: number | null;
  readonly length: number | null;
}

/** What becomes of pictures that are copied about: strong compression, a smaller size, lost margins, other light. */
const changes: readonly ((picture: Sharp, width: number, height: number) => Sharp)[] = [
  (picture) => picture.jpeg({ quality: 40 }),
  (picture, width) => picture.resize(Math.max(16, Math.round(width / 2))).jpeg({ quality: 80 }),
  (picture, width, height) => {
    const [left, top] = [Math.floor(width * 0.05), Math.floor(height * 0.05)];
    return picture.extract({ left, top, width: width - 2 * left, height: height - 2 * top }).jpeg({ quality: 80 });
  },
  (picture) => picture.modulate({ brightness: 1.15, saturation: 0.85 }).jpeg({ quality: 80 }),
];

/** Altered copies of a picture, as pixels. */
export async function makeCopies(file: PictureFile, autoOrient: boolean): Promise<RgbImage[]> {
  const bytes = await bytesOf(file);
  const whole = await sharp(bytes, { autoOrient }).toColourspace('srgb').removeAlpha().toFormat('png').toBuffer({ resolveWithObject: true });
  return Promise.all(
    changes.map(async (change) => {
      const changed = await change(sharp(whole.data), whole.info.width, whole.info.height).toBuffer();
      const { data, info } = await sharp(changed).toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
      return { data: info.channels === 3 ? data : Uint8Array.from({ length: info.width * info.height * 3 }, (_, i) => data[Math.floor(i / 3)]!), width: info.width, height: info.height };
    }),
  );
}

async function bytesOf({ path, offset, length }: PictureFile): Promise<Buffer | string> {
  if (offset === null || length === null) return path;
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(length);
    await file.read(bytes, 0, length, offset);
    return bytes;
  } finally {
    await file.close();
  }
}
