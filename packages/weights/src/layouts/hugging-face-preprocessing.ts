import type { Preprocessing } from '@dinov2/augment';
import { isRecord } from '../files/parse-json';
import { isSide, isTriple, type ReadPreprocessing } from './timm-preprocessing';

const filters = { 2: 'bilinear', 3: 'bicubic' } as const;

/**
 * What the image processor of a `preprocessor_config.json` does: `BitImageProcessor` (dinov2) and
 * `DINOv3ViTImageProcessor`, with PyTorch's resizing as `AutoImageProcessor` of transformers 5 picks it.
 */
export function fromPreprocessorConfig(json: unknown): ReadPreprocessing {
  if (!isRecord(json)) return { unsupported: 'it is not an object' };
  const type = json.image_processor_type ?? json.feature_extractor_type;
  if (typeof type !== 'string' || !/^(Bit|DINOv3ViT)ImageProcessor(Fast|Pil)?$/.test(type)) {
    return { unsupported: `image_processor_type ${JSON.stringify(type)}` };
  }
  const dinov3 = type.startsWith('DINOv3ViT');
  if (json.do_resize === false) return { unsupported: 'do_resize false' };
  if (json.do_rescale === false) return { unsupported: 'do_rescale false' };
  const factor = json.rescale_factor ?? 1 / 255;
  if (typeof factor !== 'number' || Math.abs(factor * 255 - 1) > 1e-6) return { unsupported: `rescale_factor ${JSON.stringify(factor)}` };
  const resize = sizeOf(json.size ?? (dinov3 ? { height: 224, width: 224 } : { shortest_edge: 224 }));
  if (resize === undefined) return { unsupported: `size ${JSON.stringify(json.size)}` };
  const resample = filters[(json.resample ?? (dinov3 ? 2 : 3)) as keyof typeof filters];
  if (resample === undefined) return { unsupported: `resample ${JSON.stringify(json.resample)}` };

  const crops = json.do_center_crop ?? !dinov3;
  const crop = crops === true ? sizeOf(json.crop_size ?? { height: 224, width: 224 }) : undefined;
  if (crops === true && (crop === undefined || 'shortestEdge' in crop)) {
    return { unsupported: `crop_size ${JSON.stringify(json.crop_size)}` };
  }
  const normalizes = json.do_normalize !== false;
  const mean = normalizes ? json.image_mean : [0, 0, 0];
  const std = normalizes ? json.image_std : [1, 1, 1];
  if (!isTriple(mean) || !isTriple(std)) {
    return { unsupported: `image_mean ${JSON.stringify(mean)} and image_std ${JSON.stringify(std)}` };
  }
  return {
    preprocessing: {
      resize,
      resample,
      resizer: type.endsWith('Pil') ? 'pillow' : dinov3 ? 'torch-float' : 'torch',
      ...(crop !== undefined && { crop: crop as NonNullable<Preprocessing['crop']>, cropRounding: 'down' as const }),
      mean,
      std,
    },
  };
}

/** The `preprocessor_config.json` with which `AutoImageProcessor` does a model's preprocessing. */
export function toPreprocessorConfig(
  { resize, resample, crop, mean, std }: Preprocessing,
  modelType: 'dinov2' | 'dinov3_vit',
): Record<string, unknown> {
  return {
    ...(crop !== undefined && { crop_size: crop }),
    do_center_crop: crop !== undefined,
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: mean,
    // Versions before 5 know DINOv3's by this name alone; version 5 drops the suffix.
    image_processor_type: modelType === 'dinov2' ? 'BitImageProcessor' : 'DINOv3ViTImageProcessorFast',
    image_std: std,
    resample: resample === 'bicubic' ? 3 : 2,
    rescale_factor: 1 / 255,
    size: 'shortestEdge' in resize ? { shortest_edge: resize.shortestEdge } : resize,
  };
}

function sizeOf(size: unknown): Preprocessing['resize'] | undefined {
  if (isSide(size)) return { height: size, width: size };
  if (!isRecord(size)) return undefined;
  const { shortest_edge: shortestEdge, height, width } = size;
  if (isSide(shortestEdge)) return { shortestEdge };
  return isSide(height) && isSide(width) ? { height, width } : undefined;
}
