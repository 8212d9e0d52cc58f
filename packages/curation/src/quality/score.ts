import type { QualityColumns } from './columns';

/**
 * One number for how much there is to be learnt from a picture's pixels, 0 … 1, without any language or labels: the
 * geometric mean of four terms, so that a picture must be passable in all of them.
 *
 * - size: the shorter side over 224 pixels, at most 1
 * - sharpness: 1 − exp(−sharpness / 100)
 * - contrast: contrast over 0.15, at most 1
 * - detail: entropy over 7 bits, at most 1
 *
 * The constants put ordinary photographs near 1; the score is for choosing between copies and for a cut at the low end,
 * not a measure of beauty.
 */
export function qualityScore({
  width,
  height,
  sharpness,
  contrast,
  entropy,
}: Pick<QualityColumns, 'width' | 'height' | 'sharpness' | 'contrast' | 'entropy'>): number {
  const size = Math.min(1, Math.min(width, height) / 224);
  const sharp = 1 - Math.exp(-sharpness / 100);
  return (size * sharp * Math.min(1, contrast / 0.15) * Math.min(1, entropy / 7)) ** 0.25;
}
