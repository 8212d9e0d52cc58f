import type { HostArray } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { EvaluationError } from '../error';
import { checkLabels } from '../labels';
import type { FeatureBatch, LinearBatch } from './batches';

/** Checked features of a batch, with no more blocks than are used. */
export interface BatchInput<T> {
  /** (B, blocks, D) */
  readonly classTokens: T;
  /** (B, D), where avgpool is wanted. */
  readonly meanPatch?: T;
}

/** A checked batch with its labels, (B,) int32. */
export interface LabelledInput<T> extends BatchInput<T> {
  readonly labels: T;
}

interface Needs {
  readonly blocks: number;
  readonly avgpool: boolean;
  readonly dim: number;
  /** Of the batch, for messages. */
  readonly place: string;
}

/**
 * What the compiled steps take of a batch.
 *
 * @throws EvaluationError on shapes that do not fit and features that are not finite.
 */
export function batchInput({ classTokens, meanPatch }: FeatureBatch, { blocks, avgpool, dim, place }: Needs): BatchInput<HostArray> {
  const [rows, available, width] = classTokens.shape;
  if (classTokens.shape.length !== 3 || rows === undefined || available === undefined || width === undefined || rows === 0) {
    throw new EvaluationError(`classTokens of ${place} has shape (${classTokens.shape.join(', ')}); expected (images, blocks, dim) with at least one image`);
  }
  if (width !== dim) {
    throw new EvaluationError(`classTokens of ${place} are ${width} wide and the heads take ${dim}; all must come from the same model`);
  }
  if (available < blocks) {
    throw new EvaluationError(`classTokens of ${place} hold ${available} blocks and the heads take ${blocks}; extract the class tokens of ${blocks} blocks`);
  }
  if (avgpool && meanPatch === undefined) {
    throw new EvaluationError(`${place} has no meanPatch, which avgpool needs; extract it or pass avgpool: [false]`);
  }
  if (avgpool && meanPatch!.shape.join() !== [rows, width].join()) {
    throw new EvaluationError(`meanPatch of ${place} has shape (${meanPatch!.shape.join(', ')}); expected (${rows}, ${width}), as classTokens has`);
  }
  const last = new Float32Array(rows * blocks * width);
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * available * width;
    last.set(classTokens.data.subarray(end - blocks * width, end), row * blocks * width);
  }
  checkValues(last, blocks * width, 'classTokens', place);
  if (avgpool) checkValues(meanPatch!.data, width, 'meanPatch', place);
  return {
    classTokens: { data: last, shape: [rows, blocks, width] },
    ...(avgpool ? { meanPatch: { data: meanPatch!.data, shape: [rows, width] } } : {}),
  };
}

/** {@link batchInput} with labels below `classes`. */
export function labelledInput(batch: LinearBatch, needs: Needs & { readonly classes: number }): LabelledInput<HostArray> {
  const input = batchInput(batch, needs);
  const rows = input.classTokens.shape[0]!;
  checkLabels(batch.labels, rows, needs.classes, needs.place);
  return { ...input, labels: { data: Int32Array.from(batch.labels), shape: [rows] } };
}

function checkValues(data: HostArray['data'], perRow: number, name: string, place: string): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) {
    throw new EvaluationError(`${name} of image ${Math.floor(at / perRow)} of ${place} holds ${data[at]}; check that image and the model for a diverged run`);
  }
}

/** Input of the heads with `blocks` and `avgpool`: (B, (blocks + avgpool) D), class tokens in order, then the mean. */
export function headInput({ classTokens, meanPatch }: BatchInput<tf.Tensor>, blocks: number, avgpool: boolean): tf.Tensor2D {
  const [rows, available, dim] = classTokens.shape as [number, number, number];
  const last = tf.reshape(tf.slice(classTokens, [0, available - blocks, 0], [rows, blocks, dim]), [rows, blocks * dim]);
  return (avgpool ? tf.concat([last, meanPatch!], 1) : last) as tf.Tensor2D;
}

/** Scores of a group's heads, (B, heads, classes), from weights (heads · classes, width) and biases (heads · classes,). */
export function groupScores(input: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor, classes: number): tf.Tensor3D {
  const scores = tf.add(tf.matMul(input, weight as tf.Tensor2D, false, true), bias); // (B, heads · classes)
  return tf.reshape(scores, [input.shape[0], weight.shape[0]! / classes, classes]);
}
