import type { Random } from '@dinov2/primitives';
import type { Cloth, Colour, Concept } from './concepts';
import { figures } from './figures';
import { drawPage } from './pages';
import type { Raster } from './raster';
import { textures } from './textures';

/** Figures that fit beside each other into 100 pixels. */
const figuresAcross: readonly [number, number] = [2.6, 4];
/** Periods of the ground to a figure. */
const groundPeriods: readonly [number, number] = [1.6, 2.4];
/** Standard deviation of a picture's colours about those of its concept, of 255. */
const colourSpread = 40;

/** A picture of a concept; all that the concept does not say is drawn. */
export function drawConcept(concept: Concept, random: Random, width: number, height: number): Raster {
  return concept.kind === 'page' ? drawPage(concept.page, random, width, height) : drawCloth(concept, random, width, height);
}

/**
 * A cloth, its figure repeated on its ground. Colours vary about the concept's palette; light, size,
 * turn and place are drawn.
 */
function drawCloth({ texture, figure, palette }: Cloth, random: Random, width: number, height: number): Raster {
  const period = 100 / random.uniform(...figuresAcross);
  const fineness = random.uniform(...groundPeriods);
  const turn = random.uniform(-0.35, 0.35);
  const [cos, sin] = [Math.cos(turn) / period, Math.sin(turn) / period];
  const [shiftX, shiftY] = [random.uniform(0, 60), random.uniform(0, 60)];
  const radius = random.uniform(0.32, 0.4);
  const [ground, pattern, front] = drawColours(palette, random) as [Colour, Colour, Colour];
  const light = random.uniform(-0.3, 0.3);
  const lightTurn = random.uniform(0, 2 * Math.PI);
  const [lightX, lightY] = [(light * Math.cos(lightTurn)) / width, (light * Math.sin(lightTurn)) / height];
  const grain = random.uniform(0, 14);

  const [textureAt, outline] = [textures[texture], figures[figure]];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const [u, v] = [cos * x - sin * y + shiftX, sin * x + cos * y + shiftY];
      const share = textureAt(fineness * u, fineness * v);
      // Every other row of figures stands between those above.
      const row = Math.floor(v);
      const a = u + (row % 2 === 0 ? 0 : 0.5);
      const distance = outline((a - Math.floor(a) - 0.5) / radius, (v - row - 0.5) / radius) * radius * period;
      const inside = Math.min(1, Math.max(0, 0.5 - distance));
      const lit = 1 + lightX * (x - width / 2) + lightY * (y - height / 2);
      const noise = grain * (random.uniform() - 0.5);
      for (let c = 0; c < 3; c++) {
        const behind = ground[c]! + share * (pattern[c]! - ground[c]!);
        data[at + c] = Math.max(0, Math.min(255, (behind + inside * (front[c]! - behind)) * lit + noise));
      }
    }
  }
  return { data, width, height };
}

/** The palette, each colour a little off, under a light of its own. */
function drawColours(palette: Cloth['palette'], random: Random): Colour[] {
  const light = [0, 0, 0].map(() => random.uniform(0.85, 1.15));
  const brightness = random.uniform(0.6, 1.2);
  return palette.map((colour) => colour.map((value, c) => (value + colourSpread * random.normal()) * light[c]! * brightness) as unknown as Colour);
}
