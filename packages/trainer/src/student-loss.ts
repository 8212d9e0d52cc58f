import { scope } from '@dinov2/jit';
import { dinoLoss, ibotLoss, koleoLoss, takePatches } from '@dinov2/losses';
import { applyHead, forwardPacked } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batch';
import type { TrainerConfig } from './config';
import { hasIbotHead, headConfigOf, type Submodules } from './state';
import type { Targets } from './targets';

/** Contributions to the optimised loss, weights included; scalars. */
export type LossTerms = {
  readonly dinoGlobal: tf.Scalar;
  readonly dinoLocal: tf.Scalar;
  readonly koleo: tf.Scalar;
  readonly ibot: tf.Scalar;
};

/** Normalised crops: (2B, S, S, 3) and (nB, s, s, 3). */
export interface Crops {
  readonly globals: tf.Tensor;
  readonly locals?: tf.Tensor;
}

/** The student's loss terms: one packed pass over all crops, one call of each head. */
export function studentLoss(
  config: TrainerConfig,
  student: Submodules<tf.Tensor>,
  { globals, locals }: Crops,
  batch: Batch<tf.Tensor>,
  targets: Targets,
): LossTerms {
  const { dino, ibot } = config;
  const [globalFeatures, localFeatures] = scope('student', () =>
    forwardPacked(
      student.backbone,
      config.model,
      [{ images: globals, masks: batch.masks }, ...(locals ? [{ images: locals }] : [])],
      { dropRows: batch.dropRows },
    ),
  );
  const patches = targets.ibot && takePatches(globalFeatures.patchTokens, batch.maskIndices); // (M, D)
  const separate = hasIbotHead(config);

  return scope('losses', () => {
    const rows = [
      ...(localFeatures ? [localFeatures.clsToken] : []),
      globalFeatures.clsToken,
      ...(patches && !separate ? [patches] : []),
    ] as tf.Tensor[];
    const logits = applyHead(
      student.dinoHead,
      headConfigOf(config, dino.head),
      rows.length === 1 ? rows[0] : tf.concat(rows, 0),
    );
    const parts: tf.Tensor[] = rows.length === 1 ? [logits] : tf.split(logits, rows.map((x) => x.shape[0]), 0);
    const studentLocal = localFeatures && parts[0];
    const studentGlobal = parts[localFeatures ? 1 : 0];
    const studentPatches =
      patches && (separate ? applyHead(student.ibotHead!, headConfigOf(config, ibot.head), patches) : parts.at(-1));

    const { global, local } = dinoLoss({ studentGlobal, studentLocal, teacher: targets.dino });
    // Each crop by itself, so that two views of one image are never neighbours.
    const spread = (): tf.Scalar => {
      const [first, second] = tf.split(globalFeatures.clsToken, 2, 0);
      return tf.mul(tf.add(koleoLoss(first), koleoLoss(second)), dino.koleoWeight);
    };
    return {
      dinoGlobal: tf.mul(global, dino.lossWeight),
      dinoLocal: tf.mul(local, dino.lossWeight),
      koleo: dino.koleoWeight === 0 ? tf.scalar(0) : spread(),
      ibot:
        studentPatches === undefined
          ? tf.scalar(0)
          : tf.mul(
              ibotLoss({
                student: studentPatches,
                teacher: targets.ibot!,
                weights: batch.maskWeights,
                images: globals.shape[0],
              }),
              ibot.lossWeight,
            ),
    };
  });
}
