import { heat } from '@dinov2/evaluation';
import type { Picture } from './picture';

interface Depth {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Depth maps as colours on one scale, from the nearest to the farthest of all, at most `maxDepth`; unknown is black. */
export function paintDepth(maps: readonly Depth[], maxDepth: number): Picture[] {
  const known = Float32Array.from(maps.flatMap(({ data }) => Array.from(data.filter((metres) => metres > 0))), (metres) => Math.min(metres, maxDepth));
  const rgb = heat(known);
  let at = 0;
  return maps.map(({ data, width, height }) => {
    const picture = new Uint8Array(width * height * 3);
    data.forEach((metres, i) => {
      if (metres > 0) picture.set(rgb.subarray(at * 3, ++at * 3), i * 3);
    });
    return { data: picture, width, height };
  });
}
