import type { DenseTest } from '../dense/infer';
import type { AdamWSettings } from '../dense/optimizer';
import type { SegmentationAugmentation } from './augmentation';

/** Everything of a training that does not depend on the data. */
export interface SegmentationRecipe {
  readonly augmentation: SegmentationAugmentation;
  readonly test: DenseTest;
  readonly batchSize: number;
  /** Absent: as many as make 40 passes over the pictures, 300 to 2,000. */
  readonly iterations?: number;
  readonly learningRate: number;
  readonly optimizer: AdamWSettings;
  /** Share of the iterations in which the learning rate rises from a millionth. */
  readonly warmUp: number;
}

const optimizer: AdamWSettings = { weightDecay: 1e-4, beta1: 0.9, beta2: 0.999 };
const common = { batchSize: 16, learningRate: 1e-3, optimizer, warmUp: 1500 / 40000 };
const augmentation = { categoryMaxRatio: 0.75, flipProbability: 0.5, photometricDistortion: true };

/**
 * `small`: pictures of 224 pixels, made for folders of hundreds of pictures and two cores.
 * `linear` and `multiScale` ("+ms"): the published recipes of the linear head on the last block's patch tokens
 * and on those of the last four, for ADE20k-sized data (DINOv2 §7.4; third-party copies of the released
 * configurations).
 */
export const segmentationRecipes: Readonly<Record<'small' | 'linear' | 'multiScale', SegmentationRecipe>> = {
  small: {
    ...common,
    learningRate: 1e-2,
    augmentation: { ...augmentation, shortSide: 224, crop: [224, 224], ratio: [0.8, 1.6] },
    test: { shortSide: 224, window: [224, 224] },
  },
  linear: {
    ...common,
    iterations: 40_000,
    augmentation: { ...augmentation, shortSide: 512, longSide: 2048, crop: [512, 512], ratio: [0.5, 2] },
    test: { shortSide: 512, longSide: 2048, window: [512, 512], stride: [341, 341] },
  },
  multiScale: {
    ...common,
    iterations: 40_000,
    augmentation: { ...augmentation, shortSide: 640, longSide: 2560, crop: [640, 640], ratio: [1, 3] },
    test: {
      shortSide: 640,
      longSide: 2560,
      window: [640, 640],
      stride: [320, 320],
      scales: [1, 1.32, 1.73, 2.28, 3],
      flip: true,
    },
  },
};
