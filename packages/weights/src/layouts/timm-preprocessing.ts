import type { Preprocessing } from '@dinov2/augment';

/** A description of preprocessing: understood, or why not. */
export type ReadPreprocessing = { readonly preprocessing: Preprocessing } | { readonly unsupported: string };

/**
 * timm's evaluation transform of a model, from its `pretrained_cfg`. timm enlarges the resize by
 * `1 / crop_pct` and keeps the middle.
 */
export function fromPretrainedCfg(cfg: Readonly<Record<string, unknown>>): ReadPreprocessing {
  const [channels, height, width] = Array.isArray(cfg.input_size) ? (cfg.input_size as unknown[]) : [3, 224, 224];
  if (channels !== 3 || !isSide(height) || !isSide(width)) {
    return { unsupported: `input_size ${JSON.stringify(cfg.input_size)}` };
  }
  const { crop_pct: share = 0.875, crop_mode: mode = 'center', interpolation: resample = 'bicubic' } = cfg;
  if (typeof share !== 'number' || !(share > 0 && share <= 1)) return { unsupported: `crop_pct ${JSON.stringify(share)}` };
  if (resample !== 'bicubic' && resample !== 'bilinear') return { unsupported: `interpolation ${JSON.stringify(resample)}` };
  if (mode !== 'squash' && (mode !== 'center' || height !== width)) {
    return { unsupported: `crop_mode ${JSON.stringify(mode)} for ${height} x ${width}` };
  }
  const mean = cfg.mean ?? [0.485, 0.456, 0.406];
  const std = cfg.std ?? [0.229, 0.224, 0.225];
  if (!isTriple(mean) || !isTriple(std)) return { unsupported: `mean ${JSON.stringify(mean)} and std ${JSON.stringify(std)}` };
  return {
    preprocessing: {
      resize:
        mode === 'squash'
          ? { height: Math.floor(height / share), width: Math.floor(width / share) }
          : { shortestEdge: Math.floor(height / share) },
      resample,
      resizer: 'pillow',
      crop: { height, width },
      cropRounding: 'even',
      mean,
      std,
    },
  };
}

export function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

export function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every((n) => typeof n === 'number' && Number.isFinite(n));
}
