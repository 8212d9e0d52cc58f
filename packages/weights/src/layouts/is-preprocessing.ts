import type { Preprocessing } from '@dinov2/augment';
import { isRecord } from '../files/parse-json';
import { isSide, isTriple } from './timm-preprocessing';

/** Whether a value read from a file is a preprocessing. */
export function isPreprocessing(value: unknown): value is Preprocessing {
  if (!isRecord(value)) return false;
  const { resize, resample, resizer, crop, cropRounding, mean, std } = value;
  return (
    (isSize(resize) || (isRecord(resize) && isSide(resize.shortestEdge))) &&
    (resample === 'bicubic' || resample === 'bilinear') &&
    (resizer === 'pillow' || resizer === 'torch' || resizer === 'torch-float') &&
    (crop === undefined || isSize(crop)) &&
    (cropRounding === undefined || cropRounding === 'even' || cropRounding === 'down') &&
    isTriple(mean) &&
    isTriple(std)
  );
}

function isSize(value: unknown): boolean {
  return isRecord(value) && isSide(value.height) && isSide(value.width);
}
