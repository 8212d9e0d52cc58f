import { scope } from '@dinov2/jit';
import { sinkhornKnopp, softmaxCentering, takePatches } from '@dinov2/losses';
import { applyHead, forwardFeatures } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import { type Batch, usesIbot } from './batch';
import type { TrainerConfig } from './config';
import { type Centres, hasIbotHead, headConfigOf, type Model } from './state';

/** What the student is trained to predict; K prototypes. */
export interface Targets {
  /** (2B, K) of the class tokens, in the order of the crops */
  readonly dino: tf.Tensor;
  /** (M, K) of the masked patches, 0 for padding; absent without iBOT */
  readonly ibot?: tf.Tensor;
  /** The centres that the next step subtracts. */
  readonly nextCentres?: Centres<tf.Tensor>;
}

/**
 * Teacher probabilities of the unmasked global crops.
 *
 * @param globals - (2B, S, S, 3), normalised.
 * @param temperature - scalar tensor.
 */
export function teacherTargets(
  config: TrainerConfig,
  { teacher, centres }: Model<tf.Tensor>,
  globals: tf.Tensor,
  { maskIndices, maskValid }: Batch<tf.Tensor>,
  temperature: tf.Tensor,
): Targets {
  const { clsToken, patchTokens } = scope('teacher', () => forwardFeatures(teacher.backbone, config.model, globals));
  const dinoHead = headConfigOf(config, config.dino.head);
  const patches = usesIbot(config) ? takePatches(patchTokens, maskIndices) : undefined; // (M, D)

  return scope('targets', () => {
    let dinoLogits: tf.Tensor;
    let ibotLogits: tf.Tensor | undefined;
    if (patches !== undefined && !hasIbotHead(config)) {
      const logits = applyHead(teacher.dinoHead, dinoHead, tf.concat([clsToken, patches], 0));
      [dinoLogits, ibotLogits] = tf.split(logits, [clsToken.shape[0], patches.shape[0]], 0);
    } else {
      dinoLogits = applyHead(teacher.dinoHead, dinoHead, clsToken);
      if (patches !== undefined) {
        ibotLogits = applyHead(teacher.ibotHead!, headConfigOf(config, config.ibot.head), patches);
      }
    }

    if (centres === undefined) {
      return {
        dino: sinkhornKnopp(dinoLogits, temperature),
        ...(ibotLogits && { ibot: sinkhornKnopp(ibotLogits, temperature, { valid: maskValid }) }),
      };
    }
    const dino = softmaxCentering(dinoLogits, centres.dino, temperature);
    const ibot = ibotLogits && softmaxCentering(ibotLogits, centres.ibot, temperature, { valid: maskValid });
    return {
      dino: dino.probabilities,
      ...(ibot && { ibot: ibot.probabilities }),
      nextCentres: { dino: dino.nextCentre, ibot: ibot?.nextCentre ?? centres.ibot },
    };
  });
}
