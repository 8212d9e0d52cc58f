import { decodeImage, type RgbImage } from '@dinov2/data';
import sharp, { type Sharp } from 'sharp';

/** Pictures are made no smaller than this. */
const LEAST_SIDE = 16;

/** What becomes of pictures that are copied about: strong compression, a smaller size, lost margins, other light. */
const changes: readonly ((picture: Sharp, width: number, height: number) => Sharp)[] = [
  (picture) => picture.jpeg({ quality: 40 }),
  (picture, width, height) => picture.resize(Math.round(width * Math.min(1, Math.max(1 / 2, LEAST_SIDE / Math.min(width, height))))).jpeg({ quality: 80 }),
  (picture, width, height) => {
    const [left, top] = [Math.floor(width * 0.05), Math.floor(height * 0.05)];
    return picture.extract({ left, top, width: width - 2 * left, height: height - 2 * top }).jpeg({ quality: 80 });
  },
  (picture) => picture.modulate({ brightness: 1.15, saturation: 0.85 }).jpeg({ quality: 80 }),
];

/** Altered copies of a picture. */
export function makeCopies({ data, width, height }: RgbImage): Promise<RgbImage[]> {
  return Promise.all(
    changes.map(async (change) => decodeImage(await change(sharp(data, { raw: { width, height, channels: 3 } }), width, height).toBuffer())),
  );
}
