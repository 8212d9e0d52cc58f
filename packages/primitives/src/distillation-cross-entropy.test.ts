import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distillationCrossEntropy } from './distillation-cross-entropy';
import { backends, expectFormula, expectGolden, length } from './goldens.testing';

describe('distillationCrossEntropy', () => {
  it('equals PyTorch', () =>
    expectGolden('distillationCrossEntropy', ([student], [teacher]) =>
      distillationCrossEntropy(student, teacher, 0.1),
    ));

  it("equals the loss of PyTorch's DINO term", async () => {
    for (const backend of backends) {
      await tf.setBackend(backend);
      const student = tf.mul(tf.tensor2d([1, 0, -1, 0.5, 0.2, 0.1], [2, 3]), 0.1);
      const teacher = tf.tensor2d([0.7, 0.2, 0.1, 0.1, 0.3, 0.6], [2, 3]);
      const loss = tf.mean(distillationCrossEntropy(student, teacher, 0.1));
      expect(Math.abs(loss.dataSync()[0] - 1.008853)).toBeLessThan(1e-6);
    }
  });

  it('equals its formula on any shape', () =>
    expectFormula(
      fc.record({
        repeats: length(3),
        teachers: length(3),
        classes: length(5),
        temperature: fc.constantFrom(0.1, 0.5, 1),
        random: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      }),
      ({ repeats, teachers, classes, temperature, random }) => {
        const teacher = Array.from({ length: teachers * classes }, () =>
          Math.fround(random.next().value),
        );
        return {
          inputs: [[repeats * teachers, classes]],
          output: [repeats * teachers],
          operation: (student) =>
            tf.tidy(() =>
              distillationCrossEntropy(
                student,
                tf.tensor2d(teacher, [teachers, classes]),
                temperature,
              ),
            ),
          formula: (student) =>
            Array.from({ length: repeats * teachers }, (_, row) => {
              const logits = student
                .slice(row * classes, (row + 1) * classes)
                .map((s) => s / temperature);
              const lse = Math.log(logits.reduce((sum, s) => sum + Math.exp(s), 0));
              const start = (row % teachers) * classes;
              return logits.reduce((sum, s, k) => sum - teacher[start + k] * (s - lse), 0);
            }),
        };
      },
    ));

  it('keeps large logits finite and ignores rows without a teacher', async () => {
    await tf.setBackend('cpu');
    const student = tf.tensor2d([
      [1e4, 0],
      [5, 3],
    ]);
    const teacher = tf.tensor2d([
      [0, 1],
      [0, 0],
    ]);
    const loss = (s: tf.Tensor): tf.Tensor => distillationCrossEntropy(s, teacher, 1);
    const { value, grad } = tf.valueAndGrad(loss)(student, tf.ones([2]));
    expect(Array.from(value.dataSync())).toEqual([1e4, 0]);
    expect(Array.from(grad.dataSync())).toEqual([1, -1, 0, 0]);
  });

  it('refuses student rows that do not match', () => {
    expect(() => distillationCrossEntropy(tf.zeros([5, 3]), tf.zeros([2, 3]), 0.1)).toThrow(
      'DistillationCrossEntropy: 5 student rows are not a multiple of the 2 teacher rows',
    );
    expect(() => distillationCrossEntropy(tf.zeros([2, 3]), tf.zeros([2, 3]), 0)).toThrow(
      'DistillationCrossEntropy: temperature 0 is not positive.',
    );
  });
});
