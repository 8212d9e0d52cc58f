import { eagerEngine, type Engine, type HostArray, jit } from '@dinov2/jit';
import type * as tf from '@tensorflow/tfjs-core';
import { type DenseInput, type ImageTokens, stackTokens, type StackedTokens } from '../dense/features';
import { type DenseTest, inferMaps, passesPerImage } from '../dense/infer';
import type { Tensors } from '../dense/optimizer';
import type { RgbImage } from '../dense/raster';
import type { HostArrays } from '../dense/train-head';
import { EvaluationError } from '../error';
import type { LabelledImage } from './augmentation';
import { segmentationLogits } from './linear-head';
import { countPixels, createConfusion, segmentationScores, type SegmentationScores } from './metrics';

/** The classes of a picture's pixels. */
export interface Segmentation {
  /** (height, width) class numbers. */
  readonly labels: Int32Array;
  /** (height, width, classes) */
  readonly probabilities: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Labelled pictures by number. */
export interface SegmentationSamples {
  readonly length: number;
  /** Class numbers from 0 up, 255 where a pixel does not count; the mask has the picture's size. */
  sample(i: number): Promise<LabelledImage>;
}

/** A trained linear head together with the network below it. */
export interface SegmentationHead {
  readonly classes: number;
  /** By the names of the released heads: `decode_head.conv_seg.weight` (classes, channels, 1, 1), …, float32. */
  readonly weights: HostArrays;
  /** Logits (B, rows, columns, classes) of tokens as the training saw them. */
  logits(tokens: StackedTokens<HostArray>): Promise<HostArray>;
  /** Segment a picture of any size. `test` replaces parts of the recipe's. */
  predict(image: RgbImage, test?: DenseTest): Promise<Segmentation>;
  /** mIoU and accuracies over labelled pictures, at their own size. */
  evaluate(samples: SegmentationSamples, options?: SegmentationEvaluation): Promise<SegmentationScores>;
  /** Free what the engine holds. */
  dispose(): void;
}

export interface SegmentationEvaluation extends DenseTest {
  /** Called after every few pictures. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly secondsLeft: number }) => void;
  /** Called with every prediction, in order. */
  readonly onPrediction?: (i: number, prediction: Segmentation, sample: LabelledImage) => void | Promise<void>;
}

export interface SegmentationHeadOptions extends DenseInput {
  /** The eager engine by default. */
  readonly engine?: Engine;
  readonly test?: DenseTest;
}

const prefix = 'decode_head.';
const parameterNames = ['bn.weight', 'bn.bias', 'conv_seg.weight', 'conv_seg.bias'];
const bufferNames = ['bn.running_mean', 'bn.running_var'];

/** Names and shapes of the released heads, the linear map as a 1 × 1 convolution. */
export function releasedNames(arrays: HostArrays): HostArrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { data, shape }]) => [
      prefix + name,
      { data, shape: name === 'conv_seg.weight' ? [...shape, 1, 1] : shape },
    ]),
  );
}

/**
 * A head from its weights, trained here or released by FAIR for mmsegmentation. Other names are ignored.
 *
 * @throws EvaluationError when one is missing or shapes do not fit together.
 */
export function loadSegmentationHead(weights: HostArrays, options: SegmentationHeadOptions): SegmentationHead {
  const { engine = eagerEngine(), test: usual = {} } = options;
  const filter = weights[`${prefix}conv_seg.weight`];
  const classes = filter?.shape[0] ?? 0;
  const channels = filter?.shape[1] ?? 0;
  const read = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => {
        const array = weights[prefix + name];
        const expected = name === 'conv_seg.weight' ? [classes, channels] : name === 'conv_seg.bias' ? [classes] : [channels];
        if (array === undefined || array.data.length !== expected.reduce((a, b) => a * b, 1)) {
          throw new EvaluationError(
            `${prefix}${name} ${array === undefined ? 'is missing' : `has shape (${array.shape.join(', ')})`} in the weights of a ` +
              `segmentation head with ${classes} classes and ${channels} channels; expected shape (${expected.join(', ')})`,
          );
        }
        return [name, engine.put(array.data, expected, 'float32')];
      }),
    );
  const parameters = read(parameterNames);
  const buffers = read(bufferNames);
  const run = jit((p: Tensors, b: Tensors, tokens: StackedTokens<tf.Tensor>) => segmentationLogits(p, b, tokens), { engine });

  const logits = async (tokens: StackedTokens<HostArray>): Promise<HostArray> => {
    const { shape } = tokens.patchTokens;
    if (shape[1]! * shape[4]! !== channels) {
      throw new EvaluationError(
        `tokens of ${shape[1]} blocks of width ${shape[4]} for a head of ${channels} channels; extract the blocks that it was trained on`,
      );
    }
    const result = await run(parameters, buffers, { patchTokens: tokens.patchTokens });
    const data = await result.data();
    result.dispose();
    return { data, shape: result.shape };
  };
  const map = async (tokens: ImageTokens) => {
    const { data } = await logits(stackTokens([tokens]));
    return { data: data as Float32Array, height: tokens.grid.rows, width: tokens.grid.columns };
  };
  const predictAll = async (images: readonly RgbImage[], test: DenseTest): Promise<Segmentation[]> => {
    const maps = await inferMaps(images, test, options, classes, map, (values) => softmax(values, classes));
    return maps.map((probabilities, i) => {
      const { width, height } = images[i]!;
      return { labels: largest(probabilities, classes), probabilities, width, height };
    });
  };

  return {
    classes,
    weights,
    logits,
    predict: async (image, test = {}) => (await predictAll([image], { ...usual, ...test }))[0]!,
    evaluate: async (samples, { onProgress, onPrediction, ...test } = {}) => {
      const confusion = createConfusion(classes);
      const began = performance.now();
      for (let done = 0; done < samples.length; ) {
        const first = await samples.sample(done);
        const chunk = Math.max(1, Math.floor((options.extractBatch ?? 8) / passesPerImage(first.image, { ...usual, ...test })));
        const rest = Array.from({ length: Math.min(chunk, samples.length - done) - 1 }, (_, i) => samples.sample(done + 1 + i));
        const batch = [first, ...(await Promise.all(rest))];
        const predictions = await predictAll(batch.map(({ image }) => image), { ...usual, ...test });
        for (const [i, prediction] of predictions.entries()) {
          countPixels(confusion, prediction.labels, batch[i]!.mask.data);
          await onPrediction?.(done + i, prediction, batch[i]!);
        }
        done += batch.length;
        const secondsLeft = ((performance.now() - began) / 1000 / done) * (samples.length - done);
        onProgress?.({ done, total: samples.length, secondsLeft });
      }
      return segmentationScores(confusion);
    },
    dispose: () => {
      for (const array of [...Object.values(parameters), ...Object.values(buffers)]) if (!array.isDisposed) array.dispose();
      run.dispose();
    },
  };
}

function softmax(values: Float32Array, channels: number): void {
  for (let start = 0; start < values.length; start += channels) {
    let most = -Infinity;
    for (let c = 0; c < channels; c++) most = Math.max(most, values[start + c]!);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += values[start + c] = Math.exp(values[start + c]! - most);
    for (let c = 0; c < channels; c++) values[start + c]! /= sum;
  }
}

function largest(values: Float32Array, channels: number): Int32Array {
  return Int32Array.from({ length: values.length / channels }, (_, pixel) => {
    let best = 0;
    for (let c = 1; c < channels; c++) if (values[pixel * channels + c]! > values[pixel * channels + best]!) best = c;
    return best;
  });
}
