import { augmentColumnCount, augmentColumns } from '@dinov2/augment';
import { createRandom } from '@dinov2/primitives';
import type { CropBatch } from './batch';
import type { TrainerConfig } from './config';

/** Random coloured pictures as a batch of crops, a function of the first sample's number; for tests. */
export function syntheticCrops({ batchSize, crops }: TrainerConfig, firstSample: number): CropBatch {
  const random = createRandom(1).fork(firstSample);
  const pixels = (count: number, size: number): Uint8Array =>
    Uint8Array.from({ length: count * size * size * 3 }, () => random.integer(256));
  const augmentation = (count: number): Float32Array => {
    const packed = new Float32Array(count * augmentColumnCount);
    for (let row = 0; row < count; row++) {
      packed[row * augmentColumnCount + augmentColumns.solarize] = random.integer(2);
      packed[row * augmentColumnCount + augmentColumns.grayscale] = random.integer(2);
    }
    return packed;
  };
  const globals = 2 * batchSize;
  const locals = crops.localCount * batchSize;
  return {
    globalCrops: pixels(globals, crops.globalSize),
    localCrops: pixels(locals, crops.localSize),
    globalAugmentation: augmentation(globals),
    localAugmentation: augmentation(locals),
  };
}
