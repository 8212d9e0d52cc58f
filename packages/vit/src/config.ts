import { VitError } from './error';

/**
 * How the position table is resampled to another grid of patches.
 *
 * The three published ways: `{ offset: 0.1, antialias: false }` (models without registers and all
 * training), `{ offset: 0, antialias: true }` (models with registers),
 * `{ offset: 0, antialias: false }` (recent ports that pass a target size).
 */
export interface PositionInterpolation {
  /** Added to the target grid before the sampling ratio is formed; 0 samples at exact ratios. */
  readonly offset: number;
  readonly antialias: boolean;
}

/** Everything that fixes the shapes and the function of a vision transformer. */
export interface VitConfig {
  /** Width of the token stream, D. */
  readonly embedDim: number;
  /** Number of blocks, L. */
  readonly depth: number;
  /** Attention heads; divides `embedDim`. */
  readonly heads: number;
  /** Side of a square patch in pixels. */
  readonly patchSize: number;
  /** Side in pixels of the image the position table is made for; a multiple of `patchSize`. */
  readonly imageSize: number;
  /** Feed-forward layer: two linears around a GELU, or a gated SwiGLU. */
  readonly ffn: 'mlp' | 'swiglu';
  /** Hidden width of the feed-forward layer over `embedDim`, before the SwiGLU rounding. */
  readonly mlpRatio: number;
  /** Register tokens between the class token and the patches (Darcet et al. 2023). */
  readonly registers: number;
  /** Initial value of both LayerScales; 0 builds blocks without them, and without their names. */
  readonly layerScale: number;
  readonly interpolation: PositionInterpolation;
}

/** Sizes by name. `giant2` is the ViT-g of DINOv2: 1536 wide, 24 heads of 64. */
export type VitSize = 'tiny' | 'small' | 'base' | 'large' | 'giant2';

const sizes: Record<VitSize, Pick<VitConfig, 'embedDim' | 'depth' | 'heads' | 'ffn'>> = {
  tiny: { embedDim: 192, depth: 12, heads: 3, ffn: 'mlp' },
  small: { embedDim: 384, depth: 12, heads: 6, ffn: 'mlp' },
  base: { embedDim: 768, depth: 12, heads: 12, ffn: 'mlp' },
  large: { embedDim: 1024, depth: 24, heads: 16, ffn: 'mlp' },
  giant2: { embedDim: 1536, depth: 40, heads: 24, ffn: 'swiglu' },
};

/**
 * The configuration of a named size: patch 14, position table for 518 pixels, no registers,
 * LayerScale 1e-5, as the released models are shaped. Pretraining passes its own `imageSize`, the
 * size of the global crops. With registers the default interpolation is that of the released
 * register models.
 *
 * @throws VitError when an override does not fit, e.g. an image size that is no multiple of the patch.
 *
 * @example
 * ```ts
 * const config = vitConfig('small', { patchSize: 16, imageSize: 224, registers: 4 });
 * ```
 */
export function vitConfig(size: VitSize, overrides: Partial<VitConfig> = {}): VitConfig {
  const shape = sizes[size];
  if (shape === undefined) {
    throw new VitError(`unknown size "${size}"; use one of ${Object.keys(sizes).join(', ')}`);
  }
  const registers = overrides.registers ?? 0;
  const config: VitConfig = {
    ...shape,
    patchSize: 14,
    imageSize: 518,
    mlpRatio: 4,
    registers,
    layerScale: 1e-5,
    interpolation: registers > 0 ? { offset: 0, antialias: true } : { offset: 0.1, antialias: false },
    ...overrides,
  };
  checkConfig(config);
  return config;
}

function checkConfig(config: VitConfig): void {
  for (const key of ['embedDim', 'depth', 'heads', 'patchSize', 'imageSize'] as const) {
    if (!Number.isInteger(config[key]) || config[key] < 1) {
      throw new VitError(`${key} ${config[key]} is not a positive integer`);
    }
  }
  if (config.ffn !== 'mlp' && config.ffn !== 'swiglu') {
    throw new VitError(`ffn "${String(config.ffn)}" is unknown; pass "mlp" or "swiglu"`);
  }
  if (!(config.mlpRatio * config.embedDim >= 1 && Number.isFinite(config.mlpRatio))) {
    throw new VitError(`mlpRatio ${config.mlpRatio} leaves no hidden width; pass a positive number, usually 4`);
  }
  if (!Number.isInteger(config.registers) || config.registers < 0) {
    throw new VitError(`registers ${config.registers} is not a count; pass 0 to 4`);
  }
  if (config.embedDim % config.heads !== 0) {
    throw new VitError(`embedDim ${config.embedDim} does not divide into ${config.heads} heads`);
  }
  if (config.imageSize % config.patchSize !== 0) {
    const nearest = Math.max(1, Math.round(config.imageSize / config.patchSize)) * config.patchSize;
    throw new VitError(
      `imageSize ${config.imageSize} is not a multiple of patchSize ${config.patchSize}; ${nearest} is`,
    );
  }
}

/** Hidden width of the feed-forward layer. SwiGLU takes two thirds, rounded up to a multiple of 8. */
export function ffnHiddenDim(config: VitConfig): number {
  const hidden = Math.trunc(config.embedDim * config.mlpRatio);
  if (config.ffn === 'mlp') return hidden;
  return Math.floor((Math.trunc((hidden * 2) / 3) + 7) / 8) * 8;
}
