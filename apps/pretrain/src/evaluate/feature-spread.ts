import { effectiveRank, type Features, featureStd } from '@dinov2/evaluation';

/** How different the features of different images are. Both fall towards their least value in a collapse. */
export interface FeatureSpread {
  /** 1 for features spread evenly over the sphere, 0 where all images look the same. */
  readonly featureStd: number;
  /** Number of directions that share the features' variance. */
  readonly effectiveRank: number;
}

/** Images that are looked at; the work grows with their square. */
const LIMIT = 512;

/** Of features (N, D), of evenly chosen images where there are many. */
export function featureSpread({ data, shape }: Features): FeatureSpread {
  const [images, width] = shape as readonly [number, number];
  const count = Math.min(images, LIMIT);
  const chosen = { data: new Float32Array(count * width), shape: [count, width] };
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * images) / count) * width;
    chosen.data.set(data.subarray(from, from + width), i * width);
  }
  return { featureStd: featureStd(chosen), effectiveRank: effectiveRank(chosen) };
}
