import { type DeviceArray, eagerEngine, type Engine, jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { EvaluationError } from '../error';
import type { Scores } from '../metrics/scores';
import { type BatchInput, batchInput, groupScores, headInput, type LabelledInput, labelledInput } from './batch-input';
import type { FeatureBatch, LinearBatch } from './batches';
import type { LinearHead } from './grid';
import type { LinearHeads } from './train';

/** How a head does on a set of images. */
export interface HeadResult extends LinearHead {
  readonly top1: number;
  /** Of fewer than five classes it is 1. */
  readonly top5: number;
  /** Mean over the classes that occur of the share of their images that is right. */
  readonly meanPerClass: number;
}

/** One linear classifier, to be saved or applied. */
export interface LinearClassifier extends LinearHead {
  readonly classes: number;
  /** Width of a token. */
  readonly dim: number;
  /** (classes, (blocks + avgpool) dim): class tokens of the blocks in order, then the mean patch token, as released heads. */
  readonly weight: { readonly data: Float32Array; readonly shape: readonly [number, number] };
  /** (classes,) */
  readonly bias: Float32Array;
}

export interface LinearEvaluation {
  /** Every head, in grid order. */
  readonly heads: readonly HeadResult[];
  /** Place in {@link heads} of the highest top-1 accuracy; of equal ones the first. */
  readonly bestIndex: number;
  readonly best: LinearClassifier;
  readonly images: number;
}

export interface EvaluateLinearOptions {
  /** Where it runs; op by op on tfjs's current backend by default. */
  readonly engine?: Engine;
  readonly onProgress?: (images: number) => void;
}

type Batches<T> = Iterable<T> | AsyncIterable<T>;

/**
 * Accuracy of every head of a grid in one pass over validation images, and the best head.
 * A head whose scores are not numbers is wrong.
 *
 * @throws EvaluationError when there are no images or a batch does not fit the heads.
 */
export async function evaluateLinear(
  trained: LinearHeads,
  batches: Batches<LinearBatch>,
  { engine = eagerEngine(), onProgress }: EvaluateLinearOptions = {},
): Promise<LinearEvaluation> {
  const { groups, heads, classes, dim, state } = trained;
  const parameters = Object.fromEntries(
    Object.entries(state.parameters).map(([name, { data, shape }]) => [name, engine.put(data, shape, 'float32')]),
  );
  const ranks = jit(
    (weights: Readonly<Record<string, tf.Tensor>>, batch: LabelledInput<tf.Tensor>) =>
      tf.concat(
        groups.map(({ key, blocks, avgpool }) => {
          const input = headInput(batch, blocks, avgpool);
          return labelRanks(groupScores(input, weights[`${key}.weight`]!, weights[`${key}.bias`]!, classes), batch.labels);
        }),
        1,
      ),
    { engine },
  );
  const needs = needsOf(heads, dim);
  const top1 = new Float64Array(heads.length);
  const top5 = new Float64Array(heads.length);
  const support = new Float64Array(classes);
  const right = new Float64Array(heads.length * classes);
  let images = 0;
  try {
    for await (const batch of batches) {
      const checked = labelledInput(batch, { ...needs, classes, place: `the batch from image ${images}` });
      const result: DeviceArray = await ranks(parameters, checked);
      const values = await result.data(); // (B, heads)
      result.dispose();
      for (const [row, label] of Array.from(batch.labels).entries()) {
        support[label]!++;
        for (let head = 0; head < heads.length; head++) {
          const rank = values[row * heads.length + head]!;
          if (rank === 0) {
            top1[head]!++;
            right[head * classes + label]!++;
          }
          if (rank < 5 && rank < classes) top5[head]!++;
        }
      }
      images += batch.labels.length;
      onProgress?.(images);
    }
  } finally {
    for (const array of Object.values(parameters)) array.dispose();
    ranks.dispose();
  }
  if (images === 0) throw new EvaluationError('there are no images to evaluate the heads on; pass at least one batch');
  const present = support.reduce((count, rows) => count + Number(rows > 0), 0);
  const results = heads.map((head, h) => {
    let recalls = 0;
    for (let c = 0; c < classes; c++) if (support[c]! > 0) recalls += right[h * classes + c]! / support[c]!;
    return { ...head, top1: top1[h]! / images, top5: top5[h]! / images, meanPerClass: recalls / present };
  });
  const bestIndex = results.reduce((best, { top1 }, i) => (top1 > results[best]!.top1 ? i : best), 0);
  return { heads: results, bestIndex, best: linearClassifier(trained, bestIndex), images };
}

/** The classifier of one head of a grid, by its place in grid order. */
export function linearClassifier({ groups, classes, dim, heads, state }: LinearHeads, index: number): LinearClassifier {
  const head = heads[index];
  if (head === undefined) throw new EvaluationError(`head ${index} of a grid of ${heads.length}; expected a number from 0 to ${heads.length - 1}`);
  const group = groups.find((candidate) => candidate.heads.includes(head))!;
  const place = group.heads.indexOf(head);
  const part = (name: string) => {
    const { data, shape } = state.parameters[`${group.key}.${name}`]!;
    const perHead = data.length / group.heads.length;
    return { data: (data as Float32Array).slice(place * perHead, (place + 1) * perHead), width: shape[1] ?? 1 };
  };
  const weight = part('weight');
  return { ...head, classes, dim, weight: { data: weight.data, shape: [classes, weight.width] }, bias: part('bias').data };
}

/**
 * Scores of images by one classifier, (images, classes): for further test sets and for reports per class.
 *
 * @throws EvaluationError when there are no images or a batch does not fit the classifier.
 */
export async function linearScores(
  classifier: LinearClassifier,
  batches: Batches<FeatureBatch>,
  { engine = eagerEngine(), onProgress }: EvaluateLinearOptions = {},
): Promise<Scores> {
  const { classes, dim, blocks, avgpool, weight, bias } = classifier;
  const parameters = [engine.put(weight.data, weight.shape, 'float32'), engine.put(bias, [classes], 'float32')] as const;
  const score = jit(
    (w: tf.Tensor, b: tf.Tensor, batch: BatchInput<tf.Tensor>) => groupScores(headInput(batch, blocks, avgpool), w, b, classes),
    { engine },
  );
  const parts: Float32Array[] = [];
  let images = 0;
  try {
    for await (const batch of batches) {
      const input = batchInput(batch, { ...needsOf([classifier], dim), place: `the batch from image ${images}` });
      const result = await score(...parameters, input);
      parts.push((await result.data()) as Float32Array);
      result.dispose();
      images += input.classTokens.shape[0]!;
      onProgress?.(images);
    }
  } finally {
    for (const array of parameters) array.dispose();
    score.dispose();
  }
  if (images === 0) throw new EvaluationError('there are no images to score; pass at least one batch');
  const data = new Float32Array(images * classes);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, shape: [images, classes] };
}

const needsOf = (heads: readonly LinearHead[], dim: number) => ({
  blocks: Math.max(...heads.map(({ blocks }) => blocks)),
  avgpool: heads.some(({ avgpool }) => avgpool),
  dim,
});

/** How many classes come before the label, (B, heads) int32: higher scores, and equal ones of smaller classes. All of them where a score is not a number. */
function labelRanks(scores: tf.Tensor3D, labels: tf.Tensor): tf.Tensor2D {
  const classes = scores.shape[2];
  const own = tf.oneHot(tf.cast(labels, 'int32'), classes, 1, 0, 'float32');
  const before = tf.expandDims(tf.cumsum(own, 1, true, true), 1); // (B, 1, classes): 1 for classes before the label
  const truth = tf.expandDims(own, 1);
  // Selected and not multiplied: an infinite score of another class would make the sum NaN.
  const label = tf.sum(tf.where(tf.greater(tf.broadcastTo(truth, scores.shape), 0), scores, tf.zerosLike(scores)), 2, true);
  // Counting what is not greater makes every comparison with NaN count against the label.
  const notGreater = tf.sum(tf.cast(tf.lessEqual(scores, label), 'float32'), 2);
  const earlierEqual = tf.sum(tf.mul(tf.cast(tf.equal(scores, label), 'float32'), before), 2);
  return tf.cast(tf.add(tf.sub(classes, notGreater), earlierEqual), 'int32');
}
