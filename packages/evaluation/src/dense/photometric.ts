import type { Random } from '@dinov2/primitives';
import type { RgbImage } from './raster';

/** A new picture with `pixel` of every pixel, rounded and clipped to 8 bits. `pixel` changes the three numbers in place. */
function mapPixels({ data, width, height }: RgbImage, pixel: (rgb: Float64Array) => void): RgbImage {
  const out = new Uint8Array(data.length);
  const rgb = new Float64Array(3);
  for (let i = 0; i < data.length; i += 3) {
    for (let c = 0; c < 3; c++) rgb[c] = data[i + c]!;
    pixel(rgb);
    for (let c = 0; c < 3; c++) out[i + c] = Math.round(Math.min(255, Math.max(0, rgb[c]!)));
  }
  return { data: out, width, height };
}

/**
 * Photometric distortion of SSD (Liu et al. 2016) with the ranges of mmsegmentation: brightness ± 32,
 * contrast 0.5 to 1.5, saturation 0.5 to 1.5 and hue ± 36°, each with probability one half, contrast
 * before or after saturation and hue.
 */
export function photometricDistortion(image: RgbImage, random: Random): RgbImage {
  const coin = () => random.integer(2) === 1;
  const brightness = coin() ? random.uniform(-32, 32) : 0;
  const contrastFirst = coin();
  const contrast = coin() ? random.uniform(0.5, 1.5) : 1;
  const saturation = coin() ? random.uniform(0.5, 1.5) : 1;
  const hue = coin() ? random.uniform(-36, 36) : 0;
  const clip = (rgb: Float64Array, factor: number, add: number) => {
    for (let c = 0; c < 3; c++) rgb[c] = Math.min(255, Math.max(0, rgb[c]! * factor + add));
  };
  return mapPixels(image, (rgb) => {
    clip(rgb, 1, brightness);
    if (contrastFirst) clip(rgb, contrast, 0);
    if (saturation !== 1 || hue !== 0) shiftHueAndSaturation(rgb, saturation, hue);
    if (!contrastFirst) clip(rgb, contrast, 0);
  });
}

/** Through HSV (Smith 1978): hue in degrees, saturation a factor clipped at full saturation. */
function shiftHueAndSaturation(rgb: Float64Array, factor: number, degrees: number): void {
  const [r, g, b] = rgb as unknown as [number, number, number];
  const value = Math.max(r, g, b);
  const range = value - Math.min(r, g, b);
  if (range === 0) return;
  const sixths = value === r ? (g - b) / range : value === g ? 2 + (b - r) / range : 4 + (r - g) / range;
  const hue = (((sixths + degrees / 60) % 6) + 6) % 6;
  const chroma = Math.min(value, range * factor);
  // Each channel falls from the value by the chroma with its distance from the hue's corner.
  [5, 3, 1].forEach((corner, c) => {
    const k = (corner + hue) % 6;
    rgb[c] = value - chroma * Math.max(0, Math.min(k, 4 - k, 1));
  });
}

/**
 * Colour augmentation of the depth recipe: a gamma of 0.9 to 1.1, a brightness and one factor for each
 * channel of 0.9 to 1.1, on intensities from 0 to 1. (The common implementation applies the gamma to
 * intensities up to 255, which saturates bright pictures; the range shows that shares are meant.)
 */
export function colourAugmentation(image: RgbImage, random: Random, brightnessRange: readonly [number, number]): RgbImage {
  const gamma = random.uniform(0.9, 1.1);
  const brightness = random.uniform(...brightnessRange);
  const factors = Array.from({ length: 3 }, () => 255 * brightness * random.uniform(0.9, 1.1));
  const curve = Float64Array.from({ length: 256 }, (_, level) => (level / 255) ** gamma);
  return mapPixels(image, (rgb) => {
    for (let c = 0; c < 3; c++) rgb[c] = curve[rgb[c]!]! * factors[c]!;
  });
}
