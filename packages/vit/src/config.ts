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
  /**
   * Side in pixels of the image the position table is made for; a multiple of `patchSize`. Rotary
   * positions have no table: there it is the size the model was last trained at.
   */
  readonly imageSize: number;
  /** A learned table added to the tokens (DINOv2), or rotations of queries and keys (DINOv3). */
  readonly positions: 'table' | 'rope';
  /** The periods that {@link initialize} makes for rotary positions run from 1 to below this base. */
  readonly ropeBase: number;
  /** Feed-forward layer: two linears around a GELU, or a gated SwiGLU. */
  readonly ffn: 'mlp' | 'swiglu';
  /** Hidden width of the feed-forward layer over `embedDim`, before the SwiGLU rounding. */
  readonly mlpRatio: number;
  /** Register tokens between the class token and the patches (Darcet et al. 2023). */
  readonly registers: number;
  /** Initial value of both LayerScales; 0 builds blocks without them, and without their names. */
  readonly layerScale: number;
  /** Added to the variance in every layer norm. */
  readonly normEpsilon: number;
  /** Whether the query-key-value projection has a bias; DINOv3's 7B has none. */
  readonly qkvBias: boolean;
  /** How the position table is resampled; without effect on rotary positions. */
  readonly interpolation: PositionInterpolation;
}

type Size = Pick<VitConfig, 'embedDim' | 'depth' | 'heads' | 'ffn'> & Partial<VitConfig>;

const dinov3 = { patchSize: 16, imageSize: 224, positions: 'rope', registers: 4, normEpsilon: 1e-5 } as const;

const sizes = {
  tiny: { embedDim: 192, depth: 12, heads: 3, ffn: 'mlp' },
  small: { embedDim: 384, depth: 12, heads: 6, ffn: 'mlp' },
  base: { embedDim: 768, depth: 12, heads: 12, ffn: 'mlp' },
  large: { embedDim: 1024, depth: 24, heads: 16, ffn: 'mlp' },
  giant2: { embedDim: 1536, depth: 40, heads: 24, ffn: 'swiglu' },
  'dinov3-small': { ...dinov3, embedDim: 384, depth: 12, heads: 6, ffn: 'mlp' },
  'dinov3-small-plus': { ...dinov3, embedDim: 384, depth: 12, heads: 6, ffn: 'swiglu', mlpRatio: 6 },
  'dinov3-base': { ...dinov3, embedDim: 768, depth: 12, heads: 12, ffn: 'mlp' },
  'dinov3-large': { ...dinov3, embedDim: 1024, depth: 24, heads: 16, ffn: 'mlp' },
  'dinov3-large-plus': { ...dinov3, embedDim: 1024, depth: 24, heads: 16, ffn: 'swiglu', mlpRatio: 6 },
  'dinov3-huge-plus': { ...dinov3, embedDim: 1280, depth: 32, heads: 20, ffn: 'swiglu', mlpRatio: 6 },
  'dinov3-7b': { ...dinov3, embedDim: 4096, depth: 40, heads: 32, ffn: 'swiglu', mlpRatio: 3, qkvBias: false },
} as const satisfies Record<string, Size>;

/** Sizes by name. `giant2` is the ViT-g of DINOv2: 1536 wide, 24 heads of 64. */
export type VitSize = keyof typeof sizes;

/**
 * The configuration of a named size, as the released models are shaped: patch 14, position table for
 * 518 pixels, no registers, or what DINOv3 has where the name begins with it; LayerScale 1e-5.
 * Pretraining passes its own `imageSize`, the size of the global crops. With registers the default
 * interpolation is that of the released register models.
 *
 * @throws VitError when an override does not fit, e.g. an image size that is no multiple of the patch.
 *
 * @example
 * ```ts
 * const config = vitConfig('small', { patchSize: 16, imageSize: 224, registers: 4 });
 * ```
 */
export function vitConfig(size: VitSize, overrides: Partial<VitConfig> = {}): VitConfig {
  const shape: Size | undefined = sizes[size];
  if (shape === undefined) {
    throw new VitError(`unknown size "${size}"; use one of ${Object.keys(sizes).join(', ')}`);
  }
  const registers = overrides.registers ?? shape.registers ?? 0;
  const config: VitConfig = {
    patchSize: 14,
    imageSize: 518,
    positions: 'table',
    ropeBase: 100,
    mlpRatio: 4,
    registers,
    layerScale: 1e-5,
    normEpsilon: 1e-6,
    qkvBias: true,
    interpolation: registers > 0 ? { offset: 0, antialias: true } : { offset: 0.1, antialias: false },
    ...shape,
    ...overrides,
  };
  checkConfig(config);
  return config;
}

/** Throws a {@link VitError} for values that do not fit together. */
export function checkConfig(config: VitConfig): void {
  for (const key of ['embedDim', 'depth', 'heads', 'patchSize', 'imageSize'] as const) {
    if (!Number.isInteger(config[key]) || config[key] < 1) {
      throw new VitError(`${key} ${config[key]} is not a positive integer`);
    }
  }
  if (config.positions !== 'table' && config.positions !== 'rope') {
    throw new VitError(`positions "${String(config.positions)}" are unknown; pass "table" or "rope"`);
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
  for (const key of ['normEpsilon', 'ropeBase'] as const) {
    if (!(config[key] > 0 && Number.isFinite(config[key]))) {
      throw new VitError(`${key} ${config[key]} is not a positive number`);
    }
  }
  if (!Number.isFinite(config.layerScale)) {
    throw new VitError(`layerScale ${config.layerScale} is not a number; pass 1e-5 or 1, or 0 for none`);
  }
  const { offset, antialias } = config.interpolation;
  if (!(offset >= 0 && Number.isFinite(offset)) || typeof antialias !== 'boolean') {
    throw new VitError(
      `interpolation ${JSON.stringify(config.interpolation)} is none; pass { offset: 0 or 0.1, antialias: true or false }`,
    );
  }
  if (config.embedDim % config.heads !== 0) {
    throw new VitError(`embedDim ${config.embedDim} does not divide into ${config.heads} heads`);
  }
  if (config.positions === 'rope' && config.embedDim % (4 * config.heads) !== 0) {
    throw new VitError(
      `heads of width ${config.embedDim / config.heads}; rotary positions need a multiple of 4`,
    );
  }
  if (config.imageSize % config.patchSize !== 0) {
    const nearest = Math.max(1, Math.round(config.imageSize / config.patchSize)) * config.patchSize;
    throw new VitError(
      `imageSize ${config.imageSize} is not a multiple of patchSize ${config.patchSize}; ${nearest} is`,
    );
  }
}

/** Hidden width of the feed-forward layer. SwiGLU takes two thirds, rounded up to a multiple of 8. */
export function ffnHiddenDim({ embedDim, mlpRatio, ffn }: Pick<VitConfig, 'embedDim' | 'mlpRatio' | 'ffn'>): number {
  const hidden = Math.trunc(embedDim * mlpRatio);
  if (ffn === 'mlp') return hidden;
  return Math.floor((Math.trunc((hidden * 2) / 3) + 7) / 8) * 8;
}

/**
 * An `mlpRatio` for which {@link ffnHiddenDim} is the given width: the inverse, to tell a configuration
 * from the shapes of weights. A whole or short decimal ratio where one fits.
 *
 * @throws VitError when no ratio fits: a SwiGLU's width is a multiple of 8.
 */
export function mlpRatioFor(hidden: number, { embedDim, ffn }: Pick<VitConfig, 'embedDim' | 'ffn'>): number {
  const ratio = (ffn === 'mlp' ? hidden : (3 * hidden) / 2) / embedDim;
  // The last one makes up for a quotient that multiplies back to just below the width.
  const candidates = [Math.round(ratio), Math.round(100 * ratio) / 100, ratio, ratio + 0.5 / embedDim];
  const found = candidates.find((mlpRatio) => hidden > 0 && ffnHiddenDim({ embedDim, mlpRatio, ffn }) === hidden);
  if (found === undefined) {
    throw new VitError(
      `no mlpRatio gives a ${ffn} of hidden width ${hidden}; ${ffn === 'mlp' ? 'it is a positive integer' : 'it is a multiple of 8'}`,
    );
  }
  return found;
}
