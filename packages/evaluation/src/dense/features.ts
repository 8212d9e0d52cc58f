import type { HostArray } from '@dinov2/jit';
import { EvaluationError } from '../error';
import type { RgbImage, Window } from './raster';

/** Numbers of any shape, row-major. */
export interface FloatArray extends HostArray {
  readonly data: Float32Array;
}

/** Tokens of a batch of images. What an extractor of `@dinov2/features` gives fits. */
export interface DenseTokens {
  /** (B, blocks, rows, columns, D) */
  readonly patchTokens?: FloatArray;
  /** (B, blocks, D), of the same blocks. */
  readonly classTokens?: FloatArray;
}

/** The frozen network: normalised images (B, H, W, 3), H and W multiples of the patch size. */
export type ExtractTokens = (images: FloatArray) => Promise<DenseTokens>;

/** How pictures become inputs of the frozen network. */
export interface DenseInput {
  readonly extract: ExtractTokens;
  /** Side of a patch in pixels. Default 14. */
  readonly patchSize?: number;
  /** Of red, green and blue, in shares of full intensity. ImageNet's by default. */
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  /** Images in one call of `extract`. Default 8. */
  readonly extractBatch?: number;
}

/** Tokens of one image, and where the image lies in the padded one that they cover. */
export interface ImageTokens {
  /** (blocks, rows, columns, D) */
  readonly patchTokens: Float32Array;
  /** (blocks, D) */
  readonly classTokens?: Float32Array;
  readonly grid: TokenGrid;
  readonly padding: Padding;
}

export interface TokenGrid {
  readonly blocks: number;
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
}

/** Size of an image padded to whole patches, and the image's place in it. */
export interface Padding {
  readonly height: number;
  readonly width: number;
  readonly image: Window;
}

/** Zeros around an image up to multiples of the patch size, half on each side; of an odd number the larger half is last. */
export function centrePadding(height: number, width: number, patchSize: number): Padding {
  const whole = (length: number) => Math.ceil(length / patchSize) * patchSize;
  const [padded, wide] = [whole(height), whole(width)];
  return {
    height: padded,
    width: wide,
    image: { top: Math.floor((padded - height) / 2), left: Math.floor((wide - width) / 2), height, width },
  };
}

const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** Tokens of pictures of any sizes, in order. Pictures of one size share calls of `extract`. */
export async function extractAll(images: readonly RgbImage[], input: DenseInput): Promise<ImageTokens[]> {
  const { patchSize = 14, extractBatch = 8 } = input;
  const bySize = new Map<string, number[]>();
  images.forEach(({ width, height }, i) => {
    const key = `${width} ${height}`;
    bySize.set(key, [...(bySize.get(key) ?? []), i]);
  });
  const tokens = new Array<ImageTokens>(images.length);
  for (const members of bySize.values()) {
    for (let start = 0; start < members.length; start += extractBatch) {
      const batch = members.slice(start, start + extractBatch);
      const { height, width } = images[batch[0]!]!;
      const padding = centrePadding(height, width, patchSize);
      const result = await input.extract(normalised(batch.map((i) => images[i]!), padding, input));
      splitTokens(result, batch.length, padding, patchSize).forEach((one, j) => (tokens[batch[j]!] = one));
    }
  }
  return tokens;
}

/** (B, padded height, padded width, 3): (x / 255 − mean) / std, zeros around. */
function normalised(images: readonly RgbImage[], { height, width, image: place }: Padding, input: DenseInput): FloatArray {
  const { mean = imageNet.mean, std = imageNet.std } = input;
  const scale = std.map((value) => 1 / (255 * value));
  const shift = mean.map((value, c) => -value / std[c]!);
  const data = new Float32Array(images.length * height * width * 3);
  images.forEach((image, b) => {
    for (let y = 0; y < image.height; y++) {
      let to = ((b * height + place.top + y) * width + place.left) * 3;
      let from = y * image.width * 3;
      for (let x = 0; x < image.width; x++) {
        for (let c = 0; c < 3; c++) data[to++] = image.data[from++]! * scale[c]! + shift[c]!;
      }
    }
  });
  return { data, shape: [images.length, height, width, 3] };
}

function splitTokens({ patchTokens, classTokens }: DenseTokens, count: number, padding: Padding, patchSize: number): ImageTokens[] {
  if (patchTokens === undefined) {
    throw new EvaluationError('extract gave no patch tokens; ask the extractor for the patch tokens of at least one block');
  }
  const [batch, blocks, rows, columns, width] = patchTokens.shape as [number, number, number, number, number];
  const expected = [padding.height / patchSize, padding.width / patchSize];
  if (patchTokens.shape.length !== 5 || batch !== count || rows !== expected[0] || columns !== expected[1]) {
    throw new EvaluationError(
      `extract gave patch tokens of shape (${patchTokens.shape.join(', ')}) for ${count} images of ${padding.height} × ${padding.width}; ` +
        `expected (${count}, blocks, ${expected.join(', ')}, width) with patches of ${patchSize}`,
    );
  }
  const size = patchTokens.data.length / count;
  return Array.from({ length: count }, (_, i) => ({
    patchTokens: patchTokens.data.slice(i * size, (i + 1) * size),
    ...(classTokens !== undefined && {
      classTokens: classTokens.data.slice((i * classTokens.data.length) / count, ((i + 1) * classTokens.data.length) / count),
    }),
    grid: { blocks, rows, columns, width },
    padding,
  }));
}

/** Tokens of images of one size as arguments of a compiled function. */
export function stackTokens(tokens: readonly ImageTokens[]): StackedTokens<HostArray> {
  const { grid } = tokens[0]!;
  const join = (parts: readonly Float32Array[], shape: readonly number[]): HostArray => {
    const length = parts[0]!.length;
    const data = new Float32Array(parts.length * length);
    parts.forEach((part, i) => data.set(part, i * length));
    return { data, shape: [parts.length, ...shape] };
  };
  const classTokens = tokens.flatMap((one) => (one.classTokens === undefined ? [] : [one.classTokens]));
  return {
    patchTokens: join(tokens.map((one) => one.patchTokens), [grid.blocks, grid.rows, grid.columns, grid.width]),
    ...(classTokens.length === tokens.length && {
      classTokens: join(classTokens, [classTokens[0]!.length / grid.width, grid.width]),
    }),
  };
}

export type StackedTokens<T> = {
  /** (B, blocks, rows, columns, D) */
  readonly patchTokens: T;
  /** (B, blocks, D) */
  readonly classTokens?: T;
};
