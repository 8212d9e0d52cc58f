// Synthetic batches: made-up pictures; colours, masks and drop-path rows are drawn as in training.
import { augmentColumnCount, packAugmentParameters, sampleMultiCrop } from '@dinov2/augment';
import { createRandom } from '@dinov2/primitives';
import { assembleBatch } from '@dinov2/trainer';

/** Pictures of 4 × 4 coloured cells under a little noise, so that no two of them look alike. */
function pictures(random, count, size) {
  const pixels = new Uint8Array(count * size * size * 3);
  const cell = Math.ceil(size / 4);
  for (let image = 0, at = 0; image < count; image++) {
    const colours = Array.from({ length: 16 }, () => random.bits());
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const colour = colours[4 * Math.floor(y / cell) + Math.floor(x / cell)];
        const noise = random.bits();
        for (let channel = 0; channel < 3; channel++) {
          const shift = 8 * channel;
          pixels[at++] = (((colour >>> shift) & 255) * 7 + ((noise >>> shift) & 255)) >> 3;
        }
      }
    }
  }
  return pixels;
}

/** Crops of a configuration: pixels 0 to 255 and colour parameters. Without `colour` the step only normalises. */
export function syntheticCrops(config, { seed = 0, colour = true } = {}) {
  const { batchSize, crops } = config;
  const random = createRandom(seed);
  const [globals, locals] = [2 * batchSize, crops.localCount * batchSize];
  const images = Array.from({ length: batchSize }, () => sampleMultiCrop(random, { width: 500, height: 375 }, crops));
  // Crop-major: the first crop of all images, then the second, …
  const colours = (kind, count) =>
    colour
      ? packAugmentParameters(Array.from({ length: count }, (_, i) => images.map((image) => image[kind][i])).flat())
      : new Float32Array(count * batchSize * augmentColumnCount);
  return {
    globalCrops: pictures(random, globals, crops.globalSize),
    localCrops: pictures(random, locals, crops.localSize),
    globalAugmentation: colours('global', 2),
    localAugmentation: colours('local', crops.localCount),
  };
}

/** The batch of a step, its masks and rows drawn by `number`. */
export const syntheticBatch = (config, number, options) => assembleBatch(config, syntheticCrops(config, options), number);
