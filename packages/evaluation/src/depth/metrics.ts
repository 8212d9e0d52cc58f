import type { DepthMap, Window } from '../dense/raster';
import { EvaluationError } from '../error';

/** Errors of predicted depth: each is computed per picture, then averaged over pictures. */
export interface DepthScores {
  /** Root of the mean squared error, metres. */
  readonly rmse: number;
  /** Mean of |error| / truth. */
  readonly absRel: number;
  /** Mean of error² / truth. */
  readonly sqRel: number;
  /** Mean of |log₁₀ predicted − log₁₀ truth|. */
  readonly log10: number;
  /** Root of the mean squared difference of natural logarithms. */
  readonly rmseLog: number;
  /** 100 times the deviation of that difference. */
  readonly silog: number;
  /** Shares of pixels with max(predicted / truth, truth / predicted) below 1.25, 1.25² and 1.25³. */
  readonly delta1: number;
  readonly delta2: number;
  readonly delta3: number;
}

/** Part of the picture that counts, of its height and width. */
export type DepthCrop = (height: number, width: number) => Window;

const shares =
  (top: number, bottom: number, left: number, right: number): DepthCrop =>
  (height, width) => {
    const [y, x] = [Math.trunc(top * height), Math.trunc(left * width)];
    return { top: y, left: x, height: Math.trunc(bottom * height) - y, width: Math.trunc(right * width) - x };
  };

/** The customary crops: Eigen's on NYU (made for 480 × 640) and KITTI, and Garg's on KITTI. */
export const depthCrops = {
  eigenNyu: () => ({ top: 45, left: 41, height: 426, width: 560 }),
  eigenKitti: shares(0.3324324, 0.91351351, 0.0359477, 0.96405229),
  gargKitti: shares(0.40810811, 0.99189189, 0.03594771, 0.96405229),
} satisfies Readonly<Record<string, DepthCrop>>;

export interface DepthMask {
  /** Pixels count whose true depth lies strictly between these; predictions are moved into the range. */
  readonly minDepth: number;
  readonly maxDepth: number;
  /** All of the picture by default. */
  readonly crop?: DepthCrop;
}

/**
 * Errors of one picture; NaN where no pixel counts.
 *
 * @throws EvaluationError when the sizes differ.
 */
export function depthErrors(predicted: DepthMap, truth: DepthMap, { minDepth, maxDepth, crop }: DepthMask): DepthScores {
  const { width, height } = truth;
  if (predicted.width !== width || predicted.height !== height) {
    throw new EvaluationError(
      `predicted depth of ${predicted.width} × ${predicted.height} pixels for a truth of ${width} × ${height}; bring them to one size first`,
    );
  }
  const window = crop?.(height, width) ?? { top: 0, left: 0, height, width };
  const sum = { squared: 0, absRel: 0, sqRel: 0, log10: 0, log: 0, squaredLog: 0, delta1: 0, delta2: 0, delta3: 0 };
  let count = 0;
  for (let y = Math.max(0, window.top); y < Math.min(height, window.top + window.height); y++) {
    for (let x = Math.max(0, window.left); x < Math.min(width, window.left + window.width); x++) {
      const metres = truth.data[y * width + x]!;
      if (!(metres > minDepth && metres < maxDepth)) continue;
      const guess = Math.min(maxDepth, Math.max(minDepth, predicted.data[y * width + x]!));
      const error = guess - metres;
      const log = Math.log(guess) - Math.log(metres);
      const ratio = Math.max(guess / metres, metres / guess);
      count++;
      sum.squared += error * error;
      sum.absRel += Math.abs(error) / metres;
      sum.sqRel += (error * error) / metres;
      sum.log10 += Math.abs(log) / Math.LN10;
      sum.log += log;
      sum.squaredLog += log * log;
      if (ratio < 1.25) sum.delta1++;
      if (ratio < 1.25 ** 2) sum.delta2++;
      if (ratio < 1.25 ** 3) sum.delta3++;
    }
  }
  const squaredLog = sum.squaredLog / count;
  return {
    rmse: Math.sqrt(sum.squared / count),
    absRel: sum.absRel / count,
    sqRel: sum.sqRel / count,
    log10: sum.log10 / count,
    rmseLog: Math.sqrt(squaredLog),
    silog: 100 * Math.sqrt(Math.max(0, squaredLog - (sum.log / count) ** 2)),
    delta1: sum.delta1 / count,
    delta2: sum.delta2 / count,
    delta3: sum.delta3 / count,
  };
}

/** Means over pictures; those without a counted pixel stay out. */
export function meanDepthScores(scores: readonly DepthScores[]): DepthScores {
  const counted = scores.filter(({ rmse }) => !Number.isNaN(rmse));
  const mean = (name: keyof DepthScores) => counted.reduce((sum, one) => sum + one[name], 0) / counted.length;
  return {
    rmse: mean('rmse'),
    absRel: mean('absRel'),
    sqRel: mean('sqRel'),
    log10: mean('log10'),
    rmseLog: mean('rmseLog'),
    silog: mean('silog'),
    delta1: mean('delta1'),
    delta2: mean('delta2'),
    delta3: mean('delta3'),
  };
}
