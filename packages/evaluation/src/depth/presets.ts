import type { DenseTest } from '../dense/infer';
import type { AdamWSettings } from '../dense/optimizer';
import type { DepthAugmentation } from './augmentation';
import { nyuBorder } from './augmentation';
import { type DepthCrop, depthCrops } from './metrics';

/** Everything of a training that does not depend on the data. */
export interface DepthRecipe {
  readonly augmentation: DepthAugmentation;
  readonly test: DenseTest;
  /** Part of a picture that scores count; all of it by default. */
  readonly crop?: DepthCrop;
  readonly minDepth: number;
  readonly maxDepth: number;
  readonly batchSize: number;
  /** Absent: as many as make 40 passes over the pictures, 300 to 2,000. */
  readonly iterations?: number;
  readonly learningRate: number;
  readonly optimizer: AdamWSettings;
  /** Share of the iterations in which the learning rate rises from a thousandth. */
  readonly warmUp: number;
  /** Iterations at the start in which SigLoss leaves the variance out. */
  readonly sigLossWarmUp: number;
  /** Factor of GradientLoss next to SigLoss. */
  readonly gradientLossWeight: number;
  /** Let β₁ go through one cycle from 0.95 to 0.85 and back. */
  readonly oneCycleMomentum: boolean;
}

const optimizer: AdamWSettings = { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, clipGradient: 35 };
const common = { optimizer, sigLossWarmUp: 100, gradientLossWeight: 0.5, oneCycleMomentum: true };
const augmentation = { rotation: 2.5, rotationProbability: 0.5, flipProbability: 0.5, colourProbability: 0.5, brightness: [0.75, 1.25] } as const;

const small: DepthRecipe = {
  ...common,
  augmentation: { ...augmentation, shortSide: 224, crop: [224, 224] },
  test: { shortSide: 224, flip: true },
  minDepth: 1e-3,
  maxDepth: 10,
  batchSize: 8,
  learningRate: 5e-3,
  warmUp: 0.1,
  sigLossWarmUp: 0,
};

const nyu: DepthRecipe = {
  ...common,
  augmentation: { ...augmentation, border: nyuBorder, crop: [416, 544] },
  test: { flip: true },
  crop: depthCrops.eigenNyu,
  minDepth: 1e-3,
  maxDepth: 10,
  batchSize: 16,
  iterations: 38_400,
  learningRate: 5e-3,
  warmUp: 12_800 / 38_400,
};

/**
 * `small`: pictures of 224 pixels, made for folders of hundreds of pictures and two cores. `smallDpt` is the
 * same for the DPT head. `nyu` and `nyuDpt`: the published recipe on NYU Depth v2 (third-party copies of the released
 * configurations). For KITTI: `maxDepth: 80`, `crop: depthCrops.gargKitti` or its Eigen crop, and its own sizes.
 */
export const depthRecipes: Readonly<Record<'small' | 'smallDpt' | 'nyu' | 'nyuDpt', DepthRecipe>> = {
  small,
  smallDpt: { ...small, batchSize: 4, learningRate: 5e-4 },
  nyu,
  nyuDpt: { ...nyu, learningRate: 1e-4 },
};
