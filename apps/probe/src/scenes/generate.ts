import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@dinov2/primitives';
import sharp from 'sharp';
import { ProbeError } from '../error';
import { sceneClasses } from './classes';
import { composeScene } from './compose';
import { type Rendering, renderScene } from './render';

export interface GenerateOptions {
  /** Folder to write to, made if it is missing; files of the same names are overwritten. */
  readonly out: string;
  /** Training pictures; a quarter as many are held out. 240 by default. */
  readonly count?: number;
  /** Side in pixels, 224 by default. */
  readonly size?: number;
  /** 0 by default. */
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Write a set of made-up pictures of rooms and outdoor places, with what every pixel shows and how far
 * away it is, exactly: `train` and `heldout`, each with `images` (JPEG), `masks` (8-bit PNG, numbers of
 * `classes.json`) and `depths` (16-bit PNG, millimetres, 0 for the sky).
 *
 * The same seed gives the same files; a larger `count` adds to them.
 *
 * @throws ProbeError when an option makes no sense.
 */
export async function generateScenes({ out, count = 240, size = 224, seed = 0, onProgress, signal }: GenerateOptions): Promise<void> {
  if (!Number.isInteger(count) || count < 1) throw new ProbeError(`${count} pictures; pass a whole number from 1`);
  if (!Number.isInteger(size) || size < 16 || size > 4096) {
    throw new ProbeError(`pictures of ${size} pixels; pass a whole number from 16 to 4096`);
  }
  const splits = { train: count, heldout: Math.ceil(count / 4) };
  const total = splits.train + splits.heldout;
  const random = createRandom(seed);
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'classes.json'), `${JSON.stringify(sceneClasses)}\n`);
  let done = 0;
  let writing: Promise<void> = Promise.resolve();
  for (const [split, pictures] of Object.entries(splits)) {
    const folder = join(out, split);
    for (const kind of ['images', 'masks', 'depths']) await mkdir(join(folder, kind), { recursive: true });
    for (let i = 0; i < pictures; i++) {
      signal?.throwIfAborted();
      const rendering = renderScene(composeScene(random.fork(split).fork(i)), size);
      await writing; // one picture is compressed while the next is drawn
      writing = write(folder, String(i).padStart(4, '0'), rendering);
      onProgress?.(++done, total);
    }
  }
  await writing;
}

async function write(folder: string, name: string, { size, image, mask, depth }: Rendering): Promise<void> {
  const millimetres = Uint16Array.from(depth, (metres) => Math.round(metres * 1000));
  const raw = { width: size, height: size };
  await Promise.all([
    sharp(image, { raw: { ...raw, channels: 3 } }).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toFile(join(folder, 'images', `${name}.jpg`)),
    sharp(mask, { raw: { ...raw, channels: 1 } }).toColourspace('b-w').png().toFile(join(folder, 'masks', `${name}.png`)),
    sharp(millimetres, { raw: { ...raw, channels: 1 } }).toColourspace('grey16').png().toFile(join(folder, 'depths', `${name}.png`)),
  ]);
}
