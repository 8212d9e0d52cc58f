import type { Random } from '@dinov2/primitives';
import type { Colour, Concept, Layout } from './concepts';
import { figures } from './figures';
import type { Raster } from './raster';
import { textures } from './textures';

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly cos: number;
  readonly sin: number;
}

/** Periods of the ground that fit into the shorter side. */
const periods: readonly [number, number] = [4, 8];

/** Standard deviation of a picture's colours about those of its concept, of 255. */
const colourSpread = 28;

/** A picture of a concept: colours vary about its palette; light, places, sizes and turns are drawn. */
export function drawConcept({ texture, figure, layout, palette }: Concept, random: Random, width: number, height: number): Raster {
  const short = Math.min(width, height);
  const [ground, pattern, front] = drawColours(palette, random) as [Colour, Colour, Colour];
  const period = short / random.uniform(...periods);
  const turn = random.uniform(-0.5, 0.5);
  const [cos, sin] = [Math.cos(turn) / period, Math.sin(turn) / period];
  const [shiftX, shiftY] = [random.uniform(0, 60), random.uniform(0, 60)];
  const placed = place(layout, random, width, height);
  const light = random.uniform(-0.35, 0.35);
  const lightTurn = random.uniform(0, 2 * Math.PI);
  const [lightX, lightY] = [(light * Math.cos(lightTurn)) / short, (light * Math.sin(lightTurn)) / short];
  const grain = random.uniform(0, 8);

  const [textureAt, outline] = [textures[texture], figures[figure]];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const share = textureAt(cos * x - sin * y + shiftX, sin * x + cos * y + shiftY);
      let inside = 0;
      let edge = 0;
      for (const { x: cx, y: cy, radius, cos: c, sin: s } of placed) {
        const [dx, dy] = [(x - cx) / radius, (y - cy) / radius];
        if (dx * dx + dy * dy > 2) continue;
        const distance = outline(c * dx - s * dy, s * dx + c * dy) * radius;
        inside = Math.max(inside, Math.min(1, Math.max(0, 0.5 - distance)));
        edge = Math.max(edge, Math.min(1, Math.max(0, 2.2 - Math.abs(distance))) * 0.5);
      }
      const lit = 1 + lightX * (x - width / 2) + lightY * (y - height / 2);
      const noise = grain * (random.uniform() - 0.5);
      for (let c = 0; c < 3; c++) {
        const behind = ground[c]! + share * (pattern[c]! - ground[c]!);
        const value = (behind + inside * (front[c]! - behind)) * (1 - edge) * lit + noise;
        data[at + c] = Math.max(0, Math.min(255, value));
      }
    }
  }
  return { data, width, height };
}

function place(layout: Layout, random: Random, width: number, height: number): Placed[] {
  const short = Math.min(width, height);
  const tilt = random.uniform(-0.5, 0.5);
  const one = (x: number, y: number, radius: number, turn: number): Placed => ({ x, y, radius, cos: Math.cos(turn), sin: Math.sin(turn) });
  if (layout === 'single') {
    const radius = short * random.uniform(0.24, 0.38);
    return [one(random.uniform(radius, width - radius), random.uniform(radius, height - radius), radius, tilt)];
  }
  const radius = short * random.uniform(0.11, 0.16);
  if (layout === 'row') {
    const count = 3 + random.integer(2);
    const gap = Math.min(2.6 * radius, (width - 2 * radius) / count);
    const start = random.uniform(radius, Math.max(radius + 1, width - radius - gap * (count - 1)));
    const y = random.uniform(1.5 * radius, height - 1.5 * radius);
    return Array.from({ length: count }, (_, i) => one(start + i * gap, y, Math.min(radius, gap / 2.1), tilt));
  }
  const found: Placed[] = [];
  for (let tries = 0; tries < 60 && found.length < 6; tries++) {
    const next = one(random.uniform(radius, width - radius), random.uniform(radius, height - radius), radius, random.uniform(0, 2 * Math.PI));
    if (found.every((other) => Math.hypot(other.x - next.x, other.y - next.y) > 2.1 * radius)) found.push(next);
  }
  return found;
}

/** The palette, each colour a little off, under a light of its own. */
function drawColours(palette: Concept['palette'], random: Random): Colour[] {
  const light = [0, 0, 0].map(() => random.uniform(0.85, 1.15));
  const brightness = random.uniform(0.6, 1.2);
  return palette.map((colour) => colour.map((value, c) => (value + colourSpread * random.normal()) * light[c]! * brightness) as unknown as Colour);
}
