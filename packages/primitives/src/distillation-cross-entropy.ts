import * as tf from '@tensorflow/tfjs-core';
import { type Attributes, definePrimitive, type TensorSpec } from './define';
import { differentiable } from './differentiable';
import { PrimitiveError } from './error';
import { float32, matchShapes, numberAttribute, sizeOf } from './shapes';

const name = 'DistillationCrossEntropy';
const shape = { student: ['R', 'K'], teacher: ['T', 'K'] } as const;

function check(
  inputs: Readonly<Record<string, TensorSpec>>,
  attributes: Attributes,
): { R: number; K: number } {
  const { R, T, K } = matchShapes(name, inputs, shape);
  if (R % T !== 0) {
    throw new PrimitiveError(
      `${name}: ${R} student rows are not a multiple of the ${T} teacher rows they are matched with.`,
    );
  }
  if (numberAttribute(name, attributes, 'temperature') <= 0) {
    throw new PrimitiveError(`${name}: temperature ${attributes.temperature} is not positive.`);
  }
  return { R, K };
}

/** Student rows grouped so that teacher rows broadcast: (R/T, T, K). */
const grouped = (x: tf.Tensor, teacher: tf.Tensor): tf.Tensor =>
  tf.reshape(x, [x.shape[0] / teacher.shape[0], teacher.shape[0], x.size / x.shape[0]]);

const forward = /* @__PURE__ */ definePrimitive({
  name,
  inputs: ['student', 'teacher'],
  infer(inputs, attributes) {
    const { R } = check(inputs, attributes);
    return [float32(R), float32(R)];
  },
  fallback({ student, teacher }, { temperature }) {
    const logits = tf.mul(grouped(student, teacher), 1 / (temperature as number));
    const max = tf.max(logits, -1, true);
    const lse = tf.add(tf.log(tf.sum(tf.exp(tf.sub(logits, max)), -1, true)), max);
    const loss = tf.sum(tf.mul(tf.sub(lse, logits), teacher), -1);
    return [tf.reshape(loss, [student.shape[0]]), tf.reshape(lse, [student.shape[0]])];
  },
  cost: ({ student }) => ({ flops: 16 * sizeOf(student.shape) }),
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'DistillationCrossEntropyGrad',
  inputs: ['student', 'teacher', 'lse', 'dloss'],
  infer(inputs, attributes) {
    const { R, K } = check(inputs, attributes);
    matchShapes('DistillationCrossEntropyGrad', inputs, {
      student: ['R', 'K'],
      lse: ['R'],
      dloss: ['R'],
    });
    return [float32(R, K)];
  },
  fallback({ student, teacher, lse, dloss }, attributes) {
    const inverse = 1 / (attributes.temperature as number);
    const logits = tf.mul(grouped(student, teacher), inverse);
    const softmax = tf.exp(tf.sub(logits, grouped(lse, teacher)));
    const difference = tf.sub(tf.mul(softmax, tf.sum(teacher, -1, true)), teacher);
    const dstudent = tf.mul(difference, tf.mul(grouped(dloss, teacher), inverse));
    return [tf.reshape(dstudent, student.shape)];
  },
  cost: ({ student }) => ({ flops: 15 * sizeOf(student.shape) }),
});

/**
 * Cross-entropy between teacher probabilities and a tempered student softmax, one value per student row:
 * `−Σ_k t_k log softmax(s / temperature)_k` (DINOv2, arXiv 2304.07193, §4).
 *
 * Student row r is matched with teacher row r mod T, so several crops stacked crop-major share one teacher.
 * Teacher rows need not sum to 1; a zero row gives loss and gradient 0. The gradient flows to the student only.
 *
 * @param student - logits (R, K), R a multiple of T
 * @param teacher - probabilities (T, K)
 * @param temperature - of the student, positive
 * @returns (R)
 * @throws PrimitiveError if the shapes do not fit
 */
export function distillationCrossEntropy(
  student: tf.Tensor,
  teacher: tf.Tensor,
  temperature: number,
): tf.Tensor1D {
  return differentiable([student], (save) => {
    const [loss, lse] = forward({ student, teacher }, { temperature });
    save([student, teacher, lse]);
    return {
      value: loss,
      gradient: (dloss, [student, teacher, lse]) =>
        backward({ student, teacher, lse, dloss }, { temperature }),
    };
  }) as tf.Tensor1D;
}
