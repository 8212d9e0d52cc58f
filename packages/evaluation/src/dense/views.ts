import type { HostArray } from '@dinov2/jit';
import { createRandom, type Random } from '@dinov2/primitives';
import { EvaluationError } from '../error';
import { type DenseInput, extractAll, type ImageTokens, stackTokens } from './features';
import type { Pixels, Raster, RgbImage } from './raster';
import type { HeadBatch } from './train-head';

/** A training picture as the head will see it, with its truth, all of one size. */
interface View<T extends Pixels> {
  readonly image: RgbImage;
  readonly target: Raster<T>;
}

/** Samples and how to draw views of them. */
export interface ViewSource<T extends Pixels> {
  /** Number of samples. */
  readonly length: number;
  /** The plain view of sample `i` when `random` is absent, else an augmented one. */
  draw(i: number, random?: Random): Promise<View<T>>;
}

/** How far the features of the fixed views are. */
export interface ViewProgress {
  /** Views whose features are computed, of `total`. */
  readonly done: number;
  readonly total: number;
  readonly viewsPerSecond: number;
  readonly secondsLeft: number;
}

export interface ViewOptions {
  /**
   * Draw new views in every iteration and send them through the network, as the published recipe does,
   * instead of a few fixed views per picture whose features are computed once. Off by default, unless the
   * features of the fixed views would take more than `cacheBytes`.
   */
  readonly augment?: boolean;
  /** Fixed views per picture, the first of them plain. Default 2. */
  readonly views?: number;
  /** Memory for the features of fixed views, in bytes. Default 2 GiB. */
  readonly cacheBytes?: number;
  readonly onViews?: (progress: ViewProgress) => void;
}

/** Batches for a head: a function of the iteration. */
export interface ViewBatches {
  /** Tokens of one view: its shapes are those of all. */
  readonly example: ImageTokens;
  /** Whether views are drawn anew in every iteration. */
  readonly augment: boolean;
  batch(iteration: number): Promise<HeadBatch>;
}

/**
 * Batches of views. Every epoch goes through the samples in a new order. What a batch holds depends
 * on the seed and its number only, so a resumed training sees what an uninterrupted one does.
 */
export async function openViews<T extends Pixels>(
  source: ViewSource<T>,
  input: DenseInput,
  batchSize: number,
  seed: number,
  options: ViewOptions,
): Promise<ViewBatches> {
  const { views = 2, cacheBytes = 2 * 2 ** 30 } = options;
  if (source.length === 0) throw new EvaluationError('there are no samples to train on');
  for (const [name, value] of Object.entries({ views, batchSize })) {
    if (!Number.isInteger(value) || value < 1) throw new EvaluationError(`${name} is ${value}; expected a whole number from 1 up`);
  }
  const random = createRandom(seed).fork('views');
  const first = await source.draw(0);
  const [example] = (await extractAll([first.image], input)) as [ImageTokens];
  const bytes = 4 * (example.patchTokens.length + (example.classTokens?.length ?? 0) + first.target.data.length);
  const augment = options.augment ?? bytes * views * source.length > cacheBytes;

  const orders = new Map<number, Int32Array>();
  const order = (epoch: number): Int32Array => {
    const known = orders.get(epoch) ?? random.fork('order').fork(epoch).permutation(source.length);
    if (!orders.has(epoch)) orders.clear();
    return orders.set(epoch, known).get(epoch)!;
  };
  const members = (iteration: number) =>
    Array.from({ length: batchSize }, (_, j) => {
      const place = iteration * batchSize + j;
      return { place, sample: order(Math.floor(place / source.length))[place % source.length]! };
    });

  if (augment) {
    const batch = async (iteration: number): Promise<HeadBatch> => {
      const drawn = await Promise.all(members(iteration).map(({ place, sample }) => source.draw(sample, random.fork('draw').fork(place))));
      return assemble(await extractAll(drawn.map(({ image }) => image), input), drawn.map(({ target }) => target));
    };
    return { example, augment, batch };
  }

  const stored = await storeViews(source, input, views, random, options.onViews);
  return {
    example,
    augment,
    batch: (iteration) => {
      const chosen = members(iteration).map(({ place, sample }) => stored[sample * views + random.fork('pick').fork(place).integer(views)]!);
      return Promise.resolve(assemble(chosen.map(({ tokens }) => tokens), chosen.map(({ target }) => target)));
    },
  };
}

/** Features of the fixed views of every sample, (sample, view). */
async function storeViews<T extends Pixels>(
  source: ViewSource<T>,
  input: DenseInput,
  views: number,
  random: Random,
  onViews?: (progress: ViewProgress) => void,
): Promise<{ tokens: ImageTokens; target: Raster<T> }[]> {
  const total = source.length * views;
  const chunk = input.extractBatch ?? 8;
  const stored: { tokens: ImageTokens; target: Raster<T> }[] = [];
  const began = performance.now();
  for (let start = 0; start < total; start += chunk) {
    const numbers = Array.from({ length: Math.min(chunk, total - start) }, (_, i) => start + i);
    const drawn = await Promise.all(
      numbers.map((number) =>
        source.draw(Math.floor(number / views), number % views === 0 ? undefined : random.fork('fixed').fork(number)),
      ),
    );
    const tokens = await extractAll(drawn.map(({ image }) => image), input);
    tokens.forEach((one, i) => stored.push({ tokens: one, target: drawn[i]!.target }));
    const perSecond = (stored.length * 1000) / (performance.now() - began);
    onViews?.({ done: stored.length, total, viewsPerSecond: perSecond, secondsLeft: (total - stored.length) / perSecond });
  }
  return stored;
}

function assemble<T extends Pixels>(tokens: readonly ImageTokens[], targets: readonly Raster<T>[]): HeadBatch {
  const { width, height } = targets[0]!;
  const float = targets[0]!.data instanceof Float32Array;
  const data = float ? new Float32Array(targets.length * width * height) : new Int32Array(targets.length * width * height);
  targets.forEach((target, i) => data.set(target.data, i * width * height));
  const target: HostArray = { data, shape: [targets.length, height, width] };
  return { tokens: stackTokens(tokens), target };
}
