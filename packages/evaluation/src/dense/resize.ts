import { arrayLike, type Pixels, type Raster, type RgbImage } from './raster';

/** For each output of an axis the first input it reads, and the weights of that and the following ones. */
function triangle(from: number, to: number): { first: number; weights: Float32Array }[] {
  const step = from / to;
  const reach = Math.max(step, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * step;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: end - first }, (_, j) => Math.max(0, 1 - Math.abs(first + j + 0.5 - centre) / reach));
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: Float32Array.from(raw, (weight) => weight / sum) };
  });
}

/** A picture at another size, bilinear and antialiased: the triangle is widened where the picture shrinks. */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  if (image.width === width && image.height === height) return image;
  const narrow = new Float32Array(image.height * width * 3);
  const across = triangle(image.width, width);
  for (let y = 0; y < image.height; y++) {
    across.forEach(({ first, weights }, x) => {
      const to = (y * width + x) * 3;
      weights.forEach((weight, j) => {
        const from = (y * image.width + first + j) * 3;
        for (let c = 0; c < 3; c++) narrow[to + c]! += weight * image.data[from + c]!;
      });
    });
  }
  const stride = width * 3;
  const line = new Float32Array(stride);
  const data = new Uint8Array(height * stride);
  triangle(image.height, height).forEach(({ first, weights }, y) => {
    line.fill(0.5); // rounds
    weights.forEach((weight, j) => {
      const from = (first + j) * stride;
      for (let i = 0; i < stride; i++) line[i]! += weight * narrow[from + i]!;
    });
    for (let i = 0; i < stride; i++) data[y * stride + i] = line[i]!;
  });
  return { data, width, height };
}

/** A map of one number per pixel at another size; each pixel takes the one it falls into. */
export function resizeNearest<T extends Pixels>(map: Raster<T>, width: number, height: number): Raster<T> {
  if (map.width === width && map.height === height) return map;
  const data = arrayLike(map.data, width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.min(map.height - 1, Math.floor((y * map.height) / height)) * map.width;
    for (let x = 0; x < width; x++) data[y * width + x] = map.data[row + Math.min(map.width - 1, Math.floor((x * map.width) / width))]!;
  }
  return { data, width, height };
}

/** Size after a resize that keeps a picture's proportions. */
export function fittedSize(
  { width, height }: { readonly width: number; readonly height: number },
  shortSide: number,
  longSide = Infinity,
): { width: number; height: number } {
  const scale = Math.min(shortSide / Math.min(width, height), longSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
