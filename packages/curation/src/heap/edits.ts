import type { Random } from '@dinov2/primitives';
import sharp, { type Sharp } from 'sharp';

/** What is done to a picture when it is passed on. */
export const editKinds = ['exact', 'reencode', 'resize', 'crop', 'flip', 'colour', 'border'] as const;
export type EditKind = (typeof editKinds)[number];

/** Formats of the heap and how their files end. */
export const formats = { jpeg: 'jpg', png: 'png', webp: 'webp' } as const;
export type Format = keyof typeof formats;

/** Compress a picture; PNG without loss, the others at a quality of 1 to 100. */
export function encode(picture: Sharp, format: Format, quality: number): Promise<Buffer> {
  if (format === 'jpeg') return picture.jpeg({ quality }).toBuffer();
  if (format === 'webp') return picture.webp({ quality, effort: 1 }).toBuffer();
  return picture.png({ compressionLevel: 6 }).toBuffer();
}

/** A changed copy of an encoded picture; `exact` gives the bytes themselves. */
export async function editPicture(original: Buffer, kind: EditKind, random: Random, format: Format): Promise<Buffer> {
  if (kind === 'exact') return original;
  const picture = sharp(original);
  const { width, height } = await picture.metadata();
  if (kind === 'reencode') return encode(picture, format, 25 + random.integer(45));
  const quality = 75 + random.integer(20);
  switch (kind) {
    case 'resize':
      return encode(picture.resize(Math.round(width * (random.uniform() < 0.5 ? random.uniform(0.5, 0.8) : random.uniform(1.2, 1.8)))), format, quality);
    case 'crop': {
      const [keptWidth, keptHeight] = [Math.round(width * random.uniform(0.75, 0.93)), Math.round(height * random.uniform(0.75, 0.93))];
      const [left, top] = [random.integer(width - keptWidth + 1), random.integer(height - keptHeight + 1)];
      return encode(picture.extract({ left, top, width: keptWidth, height: keptHeight }), format, quality);
    }
    case 'flip':
      return encode(picture.flop(), format, quality);
    case 'colour':
      return encode(
        random.uniform() < 0.25
          ? picture.grayscale()
          : picture.modulate({ brightness: random.uniform(0.75, 1.3), saturation: random.uniform(0.5, 1.6), hue: random.integer(50) - 25 }),
        format,
        quality,
      );
    case 'border': {
      const [across, down] = [Math.round(width * random.uniform(0.03, 0.1)), Math.round(height * random.uniform(0.03, 0.1))];
      const background = random.uniform() < 0.5 ? '#ffffff' : '#000000';
      return encode(picture.extend({ top: down, bottom: down, left: across, right: across, background }), format, quality);
    }
  }
}
