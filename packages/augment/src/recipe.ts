import { AugmentError } from './error';

/** Blur probabilities of the first global, the second global and every local crop. */
export type BlurProbabilities = readonly [number, number, number];

/**
 * Blur probabilities the released DINOv2 and DINOv3 models were trained with. The published code
 * passes 1 − p where p is meant, so the first global crop is never blurred (dinov3 issue 286).
 */
export const effectiveBlur: BlurProbabilities = [0, 0.9, 0.5];

/** Blur probabilities as the papers and configuration files state them. */
export const nominalBlur: BlurProbabilities = [1, 0.1, 0.5];

/** What to draw for one image: two global crops and some local ones. Plain JSON. */
export interface MultiCropRecipe {
  /** Side of the global crops in pixels; a multiple of the patch size. */
  readonly globalSize: number;
  /** Side of the local crops in pixels; a multiple of the patch size. */
  readonly localSize: number;
  readonly localCount: number;
  /** Share of the image's area that a crop covers. */
  readonly globalScale: readonly [number, number];
  readonly localScale: readonly [number, number];
  /** Width over height of a crop before it is resized to a square. */
  readonly ratio: readonly [number, number];
  /** Probability of a left-right flip. */
  readonly horizontalFlip: number;
  /** Probability that brightness, contrast, saturation and hue change at all. */
  readonly colorJitter: number;
  /** Factors are uniform in [1 − v, 1 + v]. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Hue shift, uniform in [−hue, hue], as a share of the full circle; at most 0.5. */
  readonly hue: number;
  readonly grayscale: number;
  readonly blur: BlurProbabilities;
  /** Standard deviation of the blur in pixels of the crop, uniform in this range. */
  readonly blurSigma: readonly [number, number];
  /** Probability of solarising the second global crop. */
  readonly solarize: number;
}

/** The recipe of DINOv2 (Oquab et al. 2023, appendix B.1) for patch size 14. */
const defaults: MultiCropRecipe = {
  globalSize: 224,
  localSize: 98,
  localCount: 8,
  globalScale: [0.32, 1],
  localScale: [0.05, 0.32],
  ratio: [3 / 4, 4 / 3],
  horizontalFlip: 0.5,
  colorJitter: 0.8,
  brightness: 0.4,
  contrast: 0.4,
  saturation: 0.2,
  hue: 0.1,
  grayscale: 0.2,
  blur: effectiveBlur,
  blurSigma: [0.1, 2],
  solarize: 0.2,
};

/**
 * The DINOv2 recipe with changes: 2 global crops of 224 pixels, 8 local ones of 98.
 *
 * @throws AugmentError for probabilities outside [0, 1], empty ranges and sizes that are not whole.
 */
export function multiCropRecipe(changes: Partial<MultiCropRecipe> = {}): MultiCropRecipe {
  const recipe = { ...defaults, ...changes };
  for (const name of ['globalSize', 'localSize'] as const) {
    if (!Number.isInteger(recipe[name]) || recipe[name] < 1) {
      throw new AugmentError(`${name} ${recipe[name]} is not a size; pass a whole number of pixels`);
    }
  }
  if (!Number.isInteger(recipe.localCount) || recipe.localCount < 0) {
    throw new AugmentError(`localCount ${recipe.localCount} is not a count; pass 0, 1, 2, …`);
  }
  for (const name of ['horizontalFlip', 'colorJitter', 'grayscale', 'solarize'] as const) {
    checkProbability(name, recipe[name]);
  }
  recipe.blur.forEach((p, i) => checkProbability(`blur[${i}]`, p));
  for (const name of ['globalScale', 'localScale', 'ratio', 'blurSigma'] as const) {
    const [low, high] = recipe[name];
    if (!(low > 0 && low <= high)) {
      throw new AugmentError(`${name} [${low}, ${high}] is empty; pass 0 < low <= high`);
    }
  }
  for (const name of ['brightness', 'contrast', 'saturation'] as const) {
    checkProbability(name, recipe[name]);
  }
  if (!(recipe.hue >= 0 && recipe.hue <= 0.5)) {
    throw new AugmentError(`hue ${recipe.hue} is outside [0, 0.5], half a turn each way`);
  }
  return recipe;
}

function checkProbability(name: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new AugmentError(`${name} ${p} is outside [0, 1]`);
}
