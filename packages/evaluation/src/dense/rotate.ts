import { type DepthMap, type RgbImage } from './raster';

/**
 * A picture and its depth turned around the middle by `degrees`, in the same frame. The picture is
 * interpolated bilinearly, depth takes the nearest pixel; what comes from outside is black and unknown.
 */
export function rotate(image: RgbImage, depth: DepthMap, degrees: number): { image: RgbImage; depth: DepthMap } {
  const { width, height } = image;
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const pixels = new Uint8Array(image.data.length);
  const metres = new Float32Array(depth.data.length);
  const at = (x: number, y: number, c: number) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : image.data[(y * width + x) * 3 + c]!);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = middleX + cos * (x - middleX) + sin * (y - middleY);
      const fromY = middleY - sin * (x - middleX) + cos * (y - middleY);
      const [nearX, nearY] = [Math.round(fromX), Math.round(fromY)];
      const to = y * width + x;
      if (nearX >= 0 && nearY >= 0 && nearX < width && nearY < height) metres[to] = depth.data[nearY * width + nearX]!;
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [partX, partY] = [fromX - left, fromY - top];
      for (let c = 0; c < 3; c++) {
        const above = (1 - partX) * at(left, top, c) + partX * at(left + 1, top, c);
        const below = (1 - partX) * at(left, top + 1, c) + partX * at(left + 1, top + 1, c);
        pixels[to * 3 + c] = Math.round((1 - partY) * above + partY * below);
      }
    }
  }
  return { image: { data: pixels, width, height }, depth: { data: metres, width, height } };
}
