import type { Preprocessing } from '@dinov2/augment';

/** A grid of patches. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** The grid that fits a picture best with `longer` patches along its longer side. */
export function gridFor({ width, height }: { width: number; height: number }, longer: number): Grid {
  const shorter = Math.max(1, Math.round((longer * Math.min(width, height)) / Math.max(width, height)));
  return width >= height ? { rows: shorter, columns: longer } : { rows: longer, columns: shorter };
}

/** Decode a picture file, turned as its camera says. */
export async function openPicture(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch (cause) {
    throw new Error(`“${name}” is not a picture that this browser can read. Try a JPEG, PNG, WebP or GIF file.`, { cause });
  }
}

/** Scale a picture to fill the canvas, cutting off what its shape has too much of; transparency becomes white. */
export function drawPicture(canvas: HTMLCanvasElement, picture: ImageBitmap): void {
  const { width, height } = canvas;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [shownWidth, shownHeight] = [picture.width * scale, picture.height * scale];
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, (width - shownWidth) / 2, (height - shownHeight) / 2, shownWidth, shownHeight);
}

/** Normalised pixels of a canvas, (3, height, width). */
export function pixelsOf(canvas: HTMLCanvasElement, { mean, std }: Pick<Preprocessing, 'mean' | 'std'>): Float32Array {
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
  const plane = width * height;
  const pixels = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) pixels[c * plane + i] = (data[i * 4 + c]! / 255 - mean[c]!) / std[c]!;
  }
  return pixels;
}
