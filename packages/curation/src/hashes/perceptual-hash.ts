import { resample, type RgbImage } from '@dinov2/data';
import { luma } from './luma';

const side = 32;
const kept = 8;

/**
 * A 64-bit hash of what a picture shows: equal or a few bits apart for re-encoded and resized copies, far apart for
 * crops, mirror images and other pictures.
 *
 * The gray picture is resized to 32 × 32 (Lanczos), transformed by a two-dimensional DCT, and of the 8 × 8 lowest
 * frequencies those above their median give a one, the lowest frequency first. Bits are those of `phash` of Python's
 * imagehash wherever a coefficient is not equal to the median but for rounding.
 *
 * A picture without structure hashes to {@link structureless}, whatever its colour.
 *
 * @param image - decoded, of any size.
 * @returns from 0 to 2^64 − 1.
 */
export function perceptualHash(image: RgbImage): bigint {
  const pixels = resample(grayOf(image), [
    { crop: { left: 0, top: 0, width: image.width, height: image.height }, width: side, height: side, filter: 'lanczos' },
  ]);
  const frequencies = lowFrequencies(pixels);
  const sorted = frequencies.toSorted();
  const median = (sorted[31]! + sorted[32]!) / 2;
  let hash = 0n;
  for (const frequency of frequencies) hash = (hash << 1n) | (frequency > median ? 1n : 0n);
  return hash;
}

/** The hash of a picture of one colour: only the mean is above the median. Such hashes say nothing about a picture. */
export const structureless = 1n << 63n;

function grayOf({ data, width, height }: RgbImage): RgbImage {
  const gray = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    gray[i] = gray[i + 1] = gray[i + 2] = luma(data[i]!, data[i + 1]!, data[i + 2]!);
  }
  return { data: gray, width, height };
}

/** cos(π f (2x + 1) / 64) for the frequencies f that are kept, (8, 32). */
const cosines = Float64Array.from({ length: kept * side }, (_, i) =>
  Math.cos((Math.PI * Math.floor(i / side) * (2 * (i % side) + 1)) / (2 * side)),
);

/** The lowest 8 × 8 coefficients of the DCT (type II) of a 32 × 32 picture, its channels being equal. */
function lowFrequencies(pixels: Uint8Array): Float64Array {
  const across = new Float64Array(side * kept); // (y, fx)
  for (let y = 0; y < side; y++) {
    for (let f = 0; f < kept; f++) {
      let sum = 0;
      for (let x = 0; x < side; x++) sum += pixels[3 * (y * side + x)]! * cosines[f * side + x]!;
      across[y * kept + f] = sum;
    }
  }
  const both = new Float64Array(kept * kept); // (fy, fx)
  for (let fy = 0; fy < kept; fy++) {
    for (let fx = 0; fx < kept; fx++) {
      let sum = 0;
      for (let y = 0; y < side; y++) sum += across[y * kept + fx]! * cosines[fy * side + y]!;
      // Coefficients of symmetric pictures are zero; the rounding of cosines must not decide their bits.
      both[fy * kept + fx] = Math.round(sum * 1e6) / 1e6;
    }
  }
  return both;
}
