import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageFile, type ImageSource } from '@dinov2/data';
import sharp from 'sharp';
import { cut, type Geometry } from './geometry';

/** Makes JPEGs of the part of each picture that the network sees, and keeps them in a folder. */
export class Pictures {
  private readonly pending = new Map<string, Promise<Buffer>>();

  constructor(
    private readonly source: ImageSource,
    private readonly cache: string,
  ) {}

  /**
   * @param width - of the result in pixels.
   * @throws when the file cannot be read.
   */
  async jpeg(image: number, geometry: Geometry, width: number): Promise<Buffer> {
    const path = this.source.paths[image]!;
    const box = this.source.boxes?.[image];
    const span = this.source.spans?.[image];
    const { mtimeMs, size } = await stat(path);
    const key = createHash('sha256').update(JSON.stringify([path, mtimeMs, size, box, geometry, width, ...(span ? [span] : [])])).digest('hex');
    const file = join(this.cache, key.slice(0, 2), `${key}.jpg`);
    // Asked for twice at once, as by two panels that show the same picture, it is made once.
    let jpeg = this.pending.get(key);
    if (jpeg === undefined) {
      jpeg = this.readOrMake(file, image, geometry, width).finally(() => this.pending.delete(key));
      this.pending.set(key, jpeg);
    }
    return jpeg;
  }

  private async readOrMake(file: string, image: number, geometry: Geometry, width: number): Promise<Buffer> {
    const kept = await readFile(file).catch(() => undefined);
    if (kept !== undefined) return kept;
    const made = await make(await imageFile(this.source, image), this.source.boxes?.[image], geometry, width / geometry.width);
    await mkdir(join(file, '..'), { recursive: true });
    const aside = `${file}.${process.pid}`;
    await writeFile(aside, made);
    await rename(aside, file);
    return made;
  }
}

type Box = NonNullable<NonNullable<ImageSource['boxes']>[number]>;

async function make(picture: string | Uint8Array, box: Box | undefined, geometry: Geometry, scale: number): Promise<Buffer> {
  const size = box ?? (await sharp(picture).metadata());
  const { resized, ...window } = cut(size, geometry, scale);
  const image = sharp(picture, { autoOrient: false, failOn: 'none' });
  return (box === undefined ? image : image.extract({ ...box }))
    .resize(resized.width, resized.height, { fit: 'fill' })
    .extract(window)
    .flatten({ background: '#808080' })
    .jpeg({ quality: 85 })
    .toBuffer();
}
