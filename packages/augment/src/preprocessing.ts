import { imageNetMean, imageNetStd } from './image-net';

/**
 * How a picture becomes the input of a frozen backbone: resize, keep the middle, divide by 255,
 * subtract a mean and divide by a standard deviation. Plain JSON; `@dinov2/data` performs it.
 */
export interface Preprocessing {
  /** Length of the shorter side in pixels, the other following the picture, or both sides. */
  readonly resize: { readonly shortestEdge: number } | { readonly height: number; readonly width: number };
  /** Antialiased filter of the resize. */
  readonly resample: 'bicubic' | 'bilinear';
  /**
   * Whose arithmetic resizes:
   * `pillow`, 22-bit weights on 8-bit intensities, each pass rounded to 8 bits;
   * `torch`, the same with weights of 16 bits, as PyTorch resizes uint8 tensors on a CPU;
   * `torch-float`, float32 throughout, as PyTorch resizes float tensors.
   * Between the first two a few intensities differ by one level in 255.
   */
  readonly resizer: 'pillow' | 'torch' | 'torch-float';
  /** Part in the middle that is kept, in pixels; all of the resized picture by default. */
  readonly crop?: { readonly height: number; readonly width: number };
  /**
   * Where the crop lies when its margins cannot be equal: `even`, half the margin rounded to the even
   * side (torchvision); `down`, rounded down (transformers).
   */
  readonly cropRounding?: 'even' | 'down';
  /** Of red, green and blue, in shares of full intensity. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Names of {@link preprocessings}. */
export type PreprocessingName =
  | 'dinov2'
  | 'dinov2-transformers'
  | 'dinov2-timm'
  | 'dinov3'
  | 'dinov3-transformers'
  | 'dinov3-timm'
  | 'dinov3-sat'
  | 'dinov3-sat-transformers'
  | 'dinov3-sat-timm';

const imageNet = { mean: imageNetMean, std: imageNetStd };

// Satellite pictures of SAT-493M (DINOv3 model card).
const satellite = { mean: [0.43, 0.411, 0.296], std: [0.213, 0.156, 0.143] } as const;

const dinov3: Preprocessing = {
  resize: { height: 256, width: 256 },
  resample: 'bilinear',
  resizer: 'torch',
  ...imageNet,
};

const dinov3Transformers: Preprocessing = {
  resize: { height: 224, width: 224 },
  resample: 'bilinear',
  resizer: 'torch-float',
  ...imageNet,
};

const dinov3Timm: Preprocessing = {
  resize: { shortestEdge: 256 },
  resample: 'bicubic',
  resizer: 'pillow',
  crop: { height: 256, width: 256 },
  cropRounding: 'even',
  ...imageNet,
};

/**
 * What each model family's own programs do. Without a suffix, the authors' repository: `dinov2`
 * its evaluation transform, `dinov3` and `dinov3-sat` the transform of its README. `-transformers`,
 * the image processor that `AutoImageProcessor` of transformers 5 picks; `-timm`, timm's evaluation
 * transform of that model. `-sat` is for models trained on satellite pictures.
 */
export const preprocessings: Readonly<Record<PreprocessingName, Preprocessing>> = {
  dinov2: {
    resize: { shortestEdge: 256 },
    resample: 'bicubic',
    resizer: 'pillow',
    crop: { height: 224, width: 224 },
    cropRounding: 'even',
    ...imageNet,
  },
  'dinov2-transformers': {
    resize: { shortestEdge: 256 },
    resample: 'bicubic',
    resizer: 'torch',
    crop: { height: 224, width: 224 },
    cropRounding: 'down',
    ...imageNet,
  },
  'dinov2-timm': {
    resize: { shortestEdge: 518 },
    resample: 'bicubic',
    resizer: 'pillow',
    crop: { height: 518, width: 518 },
    cropRounding: 'even',
    ...imageNet,
  },
  dinov3,
  'dinov3-transformers': dinov3Transformers,
  'dinov3-timm': dinov3Timm,
  'dinov3-sat': { ...dinov3, ...satellite },
  'dinov3-sat-transformers': { ...dinov3Transformers, ...satellite },
  'dinov3-sat-timm': { ...dinov3Timm, ...satellite },
};
