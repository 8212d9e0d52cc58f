import { createRandom } from '@dinov2/primitives';
import { type FigureName, figures } from './figures';
import { type TextureName, textures } from './textures';

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** What pictures of one kind have in common; all else about them differs. */
export interface Concept {
  /** `texture-figure`: neighbours share the one or the other. */
  readonly name: string;
  readonly texture: TextureName;
  readonly figure: FigureName;
  /** Usual colours of the ground, its pattern and the figure. */
  readonly palette: readonly [Colour, Colour, Colour];
}

/** The 64 concepts of a heap: every figure on every ground. */
export const concepts: readonly Concept[] = (Object.keys(textures) as TextureName[]).flatMap((texture) =>
  (Object.keys(figures) as FigureName[]).map((figure): Concept => ({ name: `${texture}-${figure}`, texture, figure, palette: paletteOf(`${texture}-${figure}`) })),
);

/** Three colours that are told apart, the same whatever the heap's seed. */
function paletteOf(name: string): Concept['palette'] {
  const random = createRandom(0).fork('palette').fork(name);
  const chosen: Colour[] = [];
  while (chosen.length < 3) {
    const next: Colour = [random.uniform(20, 235), random.uniform(20, 235), random.uniform(20, 235)];
    if (chosen.every((other) => Math.hypot(...next.map((value, c) => value - other[c]!)) > 90)) chosen.push(next);
  }
  return chosen as unknown as Concept['palette'];
}
