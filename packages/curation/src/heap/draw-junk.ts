import type { Random } from '@dinov2/primitives';
import type { Raster } from './raster';

/** Pictures that teach nothing. */
export const junkKinds = ['uniform', 'gradient', 'noise', 'tiny', 'banner'] as const;
export type JunkKind = (typeof junkKinds)[number];

/** A near-uniform picture, a colour gradient, noise, an icon of a few pixels, or a strip. */
export function drawJunk(kind: JunkKind, random: Random, width: number, height: number): Raster {
  if (kind === 'tiny') [width, height] = [6 + random.integer(16), 6 + random.integer(16)];
  if (kind === 'banner') [width, height] = random.uniform() < 0.8 ? [200 + random.integer(200), 10 + random.integer(12)] : [10 + random.integer(12), 200 + random.integer(200)];
  const from = [random.uniform(0, 255), random.uniform(0, 255), random.uniform(0, 255)];
  const to = [random.uniform(0, 255), random.uniform(0, 255), random.uniform(0, 255)];
  const turn = random.uniform(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const bar = 4 + random.integer(30);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const along = 0.5 + 0.5 * (cos * (x / width - 0.5) + sin * (y / height - 0.5));
      const share = kind === 'gradient' ? along : kind === 'noise' ? random.uniform() : kind === 'uniform' ? 0 : Math.floor((x + y) / bar) % 2;
      const noise = kind === 'noise' ? 120 * (random.uniform() - 0.5) : 2 * (random.uniform() - 0.5);
      for (let c = 0; c < 3; c++) data[at + c] = Math.max(0, Math.min(255, from[c]! + share * (to[c]! - from[c]!) + noise));
    }
  }
  return { data, width, height };
}
