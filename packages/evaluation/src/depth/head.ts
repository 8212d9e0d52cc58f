import { eagerEngine, type Engine, type HostArray, jit } from '@dinov2/jit';
import type * as tf from '@tensorflow/tfjs-core';
import { type DenseInput, type ImageTokens, stackTokens, type StackedTokens } from '../dense/features';
import { type DenseTest, inferMaps, passesPerImage } from '../dense/infer';
import type { Tensors } from '../dense/optimizer';
import type { DepthMap, RgbImage } from '../dense/raster';
import type { HostArrays } from '../dense/train-head';
import { EvaluationError } from '../error';
import type { DepthImage } from './augmentation';
import type { DepthModel, DepthRange } from './depth-model';
import { dptModel, dptShapes } from './dpt-head';
import { linearDepthModel } from './linear-head';
import { type DepthCrop, depthErrors, type DepthScores, meanDepthScores } from './metrics';

/** Pictures with depth, by number. */
export interface DepthSamples {
  readonly length: number;
  /** Depth in metres, 0 where unknown, of the picture's size. */
  sample(i: number): Promise<DepthImage>;
}

/** A trained depth head together with the network below it. */
export interface DepthHead extends DepthRange {
  /** By the names of the released heads: `decode_head.conv_depth.weight`, …, float32. */
  readonly weights: HostArrays;
  /** Depth (B, h, w) of tokens with their class tokens, as the head gives it. */
  depth(tokens: Required<StackedTokens<HostArray>>): Promise<HostArray>;
  /** Depth of a picture of any size, within the range. `test` replaces parts of the recipe's. */
  predict(image: RgbImage, test?: DenseTest): Promise<DepthMap>;
  /** Errors over pictures with depth, at their own size. */
  evaluate(samples: DepthSamples, options?: DepthEvaluation): Promise<DepthScores>;
  /** Free what the engine holds. */
  dispose(): void;
}

export interface DepthEvaluation extends DenseTest {
  /** Part of every picture that counts; the head's by default. */
  readonly crop?: DepthCrop;
  /** Called after every few pictures. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly secondsLeft: number }) => void;
  /** Called with every prediction, in order. */
  readonly onPrediction?: (i: number, prediction: DepthMap, sample: DepthImage) => void | Promise<void>;
}

export interface DepthHeadOptions extends DenseInput, Partial<DepthRange> {
  /** The eager engine by default. */
  readonly engine?: Engine;
  /** Blocks whose class tokens are taken, where `extract` gives those of more blocks than patch tokens. */
  readonly blocks?: readonly number[];
  readonly test?: DenseTest;
  readonly crop?: DepthCrop;
}

const prefix = 'decode_head.';

/** The names of the released heads. */
export const releasedNames = (arrays: HostArrays): HostArrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));

/** `extract` with the class tokens of the same blocks as the patch tokens. */
export function withClassTokens<T extends DenseInput>(input: T, blocks: readonly number[] | undefined): T {
  const extract: DenseInput['extract'] = async (images) => {
    const { patchTokens, classTokens } = await input.extract(images);
    if (patchTokens === undefined || classTokens === undefined) {
      throw new EvaluationError('a depth head reads patch and class tokens; ask the extractor for both');
    }
    const [batch, count, width] = classTokens.shape as [number, number, number];
    const wanted = patchTokens.shape[1]!;
    if (count === wanted) return { patchTokens, classTokens };
    // All blocks: number i is row i. The last n blocks, of which one is wanted: the last row.
    const rows = blocks ?? (wanted === 1 ? [count - 1] : undefined);
    if (rows?.length !== wanted || rows.some((row) => !(row >= 0 && row < count))) {
      throw new EvaluationError(
        `patch tokens of ${wanted} blocks with class tokens of ${count}: blocks is ${rows === undefined ? 'not given' : `[${rows.join(', ')}]`}; ` +
          `pass the rows of the class tokens that belong to the patch tokens, such as [2, 5, 8, 11]`,
      );
    }
    const data = new Float32Array(batch * wanted * width);
    for (let b = 0; b < batch; b++) {
      rows.forEach((row, i) => data.set(classTokens.data.subarray((b * count + row) * width, (b * count + row + 1) * width), (b * wanted + i) * width));
    }
    return { patchTokens, classTokens: { data, shape: [batch, wanted, width] } };
  };
  return { ...input, extract };
}

interface KnownModel {
  readonly model: DepthModel;
  /** Of its weights, by name without the prefix. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Blocks times width of the tokens that it reads. */
  readonly tokenChannels: number;
}

/** The model whose weights these are. */
function modelOf(weights: HostArrays): KnownModel {
  const linear = weights[`${prefix}conv_depth.weight`];
  if (linear !== undefined) {
    const [bins, channels] = linear.shape as [number, number];
    const shapes = { 'conv_depth.weight': [bins, channels, 1, 1], 'conv_depth.bias': [bins] };
    return { model: linearDepthModel(bins), shapes, tokenChannels: channels / 2 };
  }
  const channels = weights[`${prefix}project.conv.weight`]?.shape[0];
  const width = weights[`${prefix}reassemble_blocks.projects.3.conv.weight`]?.shape[1];
  if (channels !== undefined && width !== undefined) {
    return { model: dptModel(channels), shapes: dptShapes(width, channels), tokenChannels: 4 * width };
  }
  throw new EvaluationError(
    `the weights hold neither ${prefix}conv_depth.weight nor ${prefix}project.conv.weight: they are not those of a depth head`,
  );
}

/**
 * A head from its weights, trained here or released by FAIR. Other names are ignored.
 *
 * The released linear heads for NYU were made for depth up to 10 m and tokens after the final norm, whatever
 * the released loading code sets.
 *
 * @throws EvaluationError when they are not those of a depth head.
 */
export function loadDepthHead(weights: HostArrays, options: DepthHeadOptions): DepthHead {
  const { engine = eagerEngine(), test: usual = {}, minDepth = 1e-3, maxDepth = 10 } = options;
  const range = { minDepth, maxDepth };
  const { model, shapes, tokenChannels } = modelOf(weights);
  const input = withClassTokens(options, options.blocks);
  for (const [name, shape] of Object.entries(shapes)) {
    const array = weights[prefix + name];
    if (array?.data.length === shape.reduce((a, b) => a * b, 1)) continue;
    throw new EvaluationError(
      `${prefix}${name} ${array === undefined ? 'is missing' : `has shape (${array.shape.join(', ')})`} in the weights of a depth head; ` +
        `expected shape (${shape.join(', ')})`,
    );
  }
  const parameters = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, engine.put(weights[prefix + name]!.data, shape, 'float32')]),
  );
  const run = jit((p: Tensors, tokens: Required<StackedTokens<tf.Tensor>>) => model.depth(p, tokens, range), { engine });

  const depth = async (tokens: Required<StackedTokens<HostArray>>): Promise<HostArray> => {
    const [, blocks, , , width] = tokens.patchTokens.shape as [number, number, number, number, number];
    if (blocks * width !== tokenChannels) {
      throw new EvaluationError(
        `tokens of ${blocks} blocks of width ${width} for a head on ${tokenChannels} channels; extract the blocks that it was trained on`,
      );
    }
    const result = await run(parameters, tokens);
    const data = await result.data();
    result.dispose();
    return { data, shape: result.shape };
  };
  const map = async (tokens: ImageTokens) => {
    const { data, shape } = await depth(stackTokens([tokens]) as Required<StackedTokens<HostArray>>);
    const clipped = (data as Float32Array).map((metres) => Math.min(maxDepth, Math.max(minDepth, metres)));
    return { data: clipped, height: shape[1]!, width: shape[2]! };
  };
  const predictAll = async (images: readonly RgbImage[], test: DenseTest): Promise<DepthMap[]> => {
    const maps = await inferMaps(images, test, input, 1, map);
    return maps.map((data, i) => ({ data, width: images[i]!.width, height: images[i]!.height }));
  };

  return {
    ...range,
    weights,
    depth,
    predict: async (image, test = {}) => (await predictAll([image], { ...usual, ...test }))[0]!,
    evaluate: async (samples, { onProgress, onPrediction, crop = options.crop, ...test } = {}) => {
      const scores: DepthScores[] = [];
      const began = performance.now();
      while (scores.length < samples.length) {
        const first = await samples.sample(scores.length);
        const chunk = Math.max(1, Math.floor((options.extractBatch ?? 8) / passesPerImage(first.image, { ...usual, ...test })));
        const start = scores.length;
        const rest = Array.from({ length: Math.min(chunk, samples.length - start) - 1 }, (_, i) => samples.sample(start + 1 + i));
        const batch = [first, ...(await Promise.all(rest))];
        const predictions = await predictAll(batch.map(({ image }) => image), { ...usual, ...test });
        for (const [i, prediction] of predictions.entries()) {
          scores.push(depthErrors(prediction, batch[i]!.depth, { ...range, crop }));
          await onPrediction?.(start + i, prediction, batch[i]!);
        }
        const secondsLeft = ((performance.now() - began) / 1000 / scores.length) * (samples.length - scores.length);
        onProgress?.({ done: scores.length, total: samples.length, secondsLeft });
      }
      return meanDepthScores(scores);
    },
    dispose: () => {
      for (const array of Object.values(parameters)) if (!array.isDisposed) array.dispose();
      run.dispose();
    },
  };
}
