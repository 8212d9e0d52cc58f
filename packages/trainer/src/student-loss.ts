import { scope } from '@dinov2/jit';
import { type DinoLoss, dinoLoss, ibotLoss, koleoLoss, takePatches } from '@dinov2/losses';
import { applyHead, forwardPacked } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batch';
import type { TrainerConfig } from './config';
import { hasIbotHead, headConfigOf, type Submodules } from './state';
import type { Targets } from './targets';

/** What the terms of the loss are computed from: 2B global crops, M rows of masked patches, K prototypes. */
interface LossInputs {
  readonly config: TrainerConfig;
  readonly batch: Batch<tf.Tensor>;
  readonly targets: Targets;
  /** Student features of the global crops: (2B, D) and (2B, N, D) */
  readonly features: { readonly clsToken: tf.Tensor; readonly patchTokens: tf.Tensor };
  /** Class tokens against the teacher's, not weighted. */
  readonly dino: DinoLoss;
  /** Student logits of the masked patches, (M, K); absent without iBOT */
  readonly studentPatches?: tf.Tensor;
}

/**
 * The terms of the optimised loss, weights included: this list is the only place to add one. Each
 * is summed into the loss, averaged over accumulated batches, guarded against NaN and logged as
 * `<name>Loss`. `undefined` is a term that is off, logged as 0.
 */
const terms = {
  dinoGlobal: ({ config, dino }: LossInputs) => tf.mul(dino.global, config.dino.lossWeight),
  dinoLocal: ({ config, dino }: LossInputs) => tf.mul(dino.local, config.dino.lossWeight),
  koleo({ config, features }: LossInputs) {
    if (config.dino.koleoWeight === 0) return undefined;
    // Each crop by itself, so that two views of one image are never neighbours.
    const [first, second] = tf.split(features.clsToken, 2, 0);
    return tf.mul(tf.add(koleoLoss(first), koleoLoss(second)), config.dino.koleoWeight);
  },
  ibot({ config, batch, targets, features, studentPatches }: LossInputs) {
    if (studentPatches === undefined) return undefined;
    const images = features.clsToken.shape[0];
    const loss = ibotLoss({ student: studentPatches, teacher: targets.ibot!, weights: batch.maskWeights, images });
    return tf.mul(loss, config.ibot.lossWeight);
  },
} satisfies Record<string, (inputs: LossInputs) => tf.Tensor | undefined>;

export type LossTerm = keyof typeof terms;

/** Names of the terms, in the order of the metrics. */
export const lossTermNames = Object.keys(terms) as LossTerm[];

/** Contributions to the optimised loss, weights included; scalars. */
export type LossTerms = Readonly<Record<LossTerm, tf.Scalar>>;

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
      headConfigOf(config, config.dino.head),
      rows.length === 1 ? rows[0] : tf.concat(rows, 0),
    );
    const parts: tf.Tensor[] = rows.length === 1 ? [logits] : tf.split(logits, rows.map((x) => x.shape[0]), 0);
    const studentLocal = localFeatures && parts[0];
    const studentGlobal = parts[localFeatures ? 1 : 0];
    const studentPatches =
      patches && (separate ? applyHead(student.ibotHead!, headConfigOf(config, config.ibot.head), patches) : parts.at(-1));

    const dino = dinoLoss({ studentGlobal, studentLocal, teacher: targets.dino });
    const inputs: LossInputs = { config, batch, targets, features: globalFeatures, dino, studentPatches };
    return Object.fromEntries(lossTermNames.map((name) => [name, terms[name](inputs) ?? tf.scalar(0)])) as LossTerms;
  });
}
