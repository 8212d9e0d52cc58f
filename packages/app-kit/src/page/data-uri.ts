import sharp from 'sharp';

const dataUri = (type: string, bytes: Buffer): string => `data:image/${type};base64,${bytes.toString('base64')}`;

/** The central square of an image file, or of the bytes of one, as a JPEG data URI of `side` pixels, cut as DINOv2's features see it: 224 of 256. */
export async function photograph(file: string | Uint8Array, side: number, { autoOrient = false }: { readonly autoOrient?: boolean } = {}): Promise<string> {
  const resize = Math.round((side * 256) / 224);
  const margin = (resize - side) >> 1;
  const bytes = await sharp(file, { autoOrient })
    .resize(resize, resize, { fit: 'cover' })
    .extract({ left: margin, top: margin, width: side, height: side })
    .flatten({ background: '#808080' })
    .jpeg({ quality: 80, mozjpeg: true })
    .toBuffer();
  return dataUri('jpeg', bytes);
}

/** A (height, width, 3) 8-bit image as a PNG data URI, one pixel per patch; square by default. */
export async function patchImage(rgb: Uint8Array, width: number, height = width): Promise<string> {
  const bytes = await sharp(rgb, { raw: { width, height, channels: 3 } }).png({ compressionLevel: 9 }).toBuffer();
  return dataUri('png', bytes);
}
