import { createRandom } from '@dinov2/primitives';
import type { DenseTokens, FloatArray } from './features';
import type { DepthMap, LabelMask, RgbImage } from './raster';

/** Tokens of patches of 4 pixels: the mean colour, its squares and products. A stand-in for a network, linear heads can read it. */
export function colourTokens(blocks = 1): (images: FloatArray) => Promise<DenseTokens> {
  return ({ data, shape }) => {
    const [batch, height, width] = shape as [number, number, number];
    const [rows, columns] = [height / 4, width / 4];
    const size = 9;
    const tokens = new Float32Array(batch * blocks * rows * columns * size);
    const classTokens = new Float32Array(batch * blocks * size);
    for (let b = 0; b < batch; b++) {
      for (let patch = 0; patch < rows * columns; patch++) {
        const mean = [0, 0, 0];
        for (let pixel = 0; pixel < 16; pixel++) {
          const y = Math.floor(patch / columns) * 4 + Math.floor(pixel / 4);
          const x = (patch % columns) * 4 + (pixel % 4);
          for (let c = 0; c < 3; c++) mean[c]! += data[((b * height + y) * width + x) * 3 + c]! / 16;
        }
        const [r, g, bl] = mean as [number, number, number];
        const token = [r, g, bl, r * r, g * g, bl * bl, r * g, g * bl, r * bl];
        for (let block = 0; block < blocks; block++) {
          tokens.set(token, (((b * blocks + block) * rows * columns) + patch) * size);
          for (let i = 0; i < size; i++) classTokens[(b * blocks + block) * size + i]! += token[i]! / (rows * columns);
        }
      }
    }
    return Promise.resolve({
      patchTokens: { data: tokens, shape: [batch, blocks, rows, columns, size] },
      classTokens: { data: classTokens, shape: [batch, blocks, size] },
    });
  };
}

/** Pictures of one rectangle on a ground: red is class 1, green class 2, blue-grey the ground, 0. Brighter is nearer. */
export function rectangles(count: number, width = 32, height = 24) {
  const sample = (i: number): Promise<{ image: RgbImage; mask: LabelMask; depth: DepthMap }> => {
    const random = createRandom(7).fork(i);
    const kind = 1 + random.integer(2);
    const light = random.uniform(0.5, 1);
    const [w, h] = [8 + random.integer(12), 8 + random.integer(10)];
    const [left, top] = [random.integer(width - w), random.integer(height - h)];
    const image = new Uint8Array(width * height * 3);
    const mask = new Uint8Array(width * height);
    const depth = new Float32Array(width * height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const x = pixel % width;
      const y = Math.floor(pixel / width);
      const inside = x >= left && x < left + w && y >= top && y < top + h;
      const colour = inside ? [kind === 1 ? 220 : 40, kind === 2 ? 220 : 40, 40] : [90, 90, 150];
      image.set(colour.map((value) => value * (inside ? light : 1)), pixel * 3);
      mask[pixel] = inside ? kind : 0;
      depth[pixel] = inside ? 3 - 2 * light : 5;
    }
    return Promise.resolve({
      image: { data: image, width, height },
      mask: { data: mask, width, height },
      depth: { data: depth, width, height },
    });
  };
  return { length: count, sample };
}
