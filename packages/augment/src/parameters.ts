import { type ColorParameters, jitterOperations } from './multi-crop';

/**
 * Columns of the packed colour parameters, a float32 matrix with one row per crop. The `ColorJitter`
 * and `GaussianBlur` kernels and everything that fills such a matrix follow this table.
 *
 * | column | value |
 * |---|---|
 * | 0 | jitter on (1) or off (0); when off, columns 1–8 are 0 and unused |
 * | 1–4 | code of the first, second, third, fourth operation: 0 brightness, 1 contrast, 2 saturation, 3 hue; a permutation |
 * | 5–7 | factor of brightness, contrast, saturation, ≥ 0 |
 * | 8 | hue shift in PIL's 8-bit steps, trunc(255 · hue), from −127 to 127 |
 * | 9 | grayscale 0 or 1, after the jitter |
 * | 10 | sigma of the blur in pixels; 0 for none |
 * | 11 | solarise 0 or 1, after the blur |
 */
export const augmentColumns = {
  jitter: 0,
  order: 1,
  brightness: 5,
  contrast: 6,
  saturation: 7,
  hueShift: 8,
  grayscale: 9,
  blurSigma: 10,
  solarize: 11,
} as const;

/** Number of columns of the packed colour parameters. */
export const augmentColumnCount = 12;

/** Pack the colour parameters of n crops into the (n, 12) matrix described at {@link augmentColumns}. */
export function packAugmentParameters(crops: readonly ColorParameters[]): Float32Array {
  const packed = new Float32Array(crops.length * augmentColumnCount);
  crops.forEach((crop, row) => {
    const at = row * augmentColumnCount;
    if (crop.jitter !== null) {
      packed[at + augmentColumns.jitter] = 1;
      crop.jitter.order.forEach((operation, i) => {
        packed[at + augmentColumns.order + i] = jitterOperations.indexOf(operation);
      });
      packed[at + augmentColumns.brightness] = crop.jitter.brightness;
      packed[at + augmentColumns.contrast] = crop.jitter.contrast;
      packed[at + augmentColumns.saturation] = crop.jitter.saturation;
      packed[at + augmentColumns.hueShift] = Math.trunc(255 * crop.jitter.hue);
    }
    packed[at + augmentColumns.grayscale] = crop.grayscale ? 1 : 0;
    packed[at + augmentColumns.blurSigma] = crop.blurSigma ?? 0;
    packed[at + augmentColumns.solarize] = crop.solarize ? 1 : 0;
  });
  return packed;
}
