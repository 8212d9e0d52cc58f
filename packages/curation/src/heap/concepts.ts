import { createRandom } from '@dinov2/primitives';
import { type FigureName, figures } from './figures';
import { type PageName, pages } from './pages';
import { type TextureName, textures } from './textures';

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** What pictures of one kind have in common; all else about them differs. */
export type Concept = Cloth | Page;

/** A figure repeated on a ground. */
export interface Cloth {
  readonly kind: 'cloth';
  /** `texture-figure`: neighbours share the one or the other. */
  readonly name: string;
  readonly texture: TextureName;
  readonly figure: FigureName;
  /** Usual colours of the ground, its pattern and the figure. */
  readonly palette: readonly [Colour, Colour, Colour];
}

/** Printed matter: no colours, and everywhere. */
interface Page {
  readonly kind: 'page';
  readonly name: string;
  readonly page: PageName;
}

const cloths = (Object.keys(textures) as TextureName[]).flatMap((texture) =>
  (Object.keys(figures) as FigureName[]).map((figure): Cloth => ({ kind: 'cloth', name: `${texture}-${figure}`, texture, figure, palette: paletteOf(`${texture}-${figure}`) })),
);

/** The 64 concepts of a heap: eight kinds of pages, and every figure on every ground. */
export const concepts: readonly Concept[] = [...(Object.keys(pages) as PageName[]).map((page): Page => ({ kind: 'page', name: `page-${page}`, page })), ...cloths];

/** Three colours that are told apart, the same whatever the heap's seed. */
function paletteOf(name: string): Cloth['palette'] {
  const random = createRandom(0).fork('palette').fork(name);
  const chosen: Colour[] = [];
  while (chosen.length < 3) {
    const next: Colour = [random.uniform(20, 235), random.uniform(20, 235), random.uniform(20, 235)];
    if (chosen.every((other) => Math.hypot(...next.map((value, c) => value - other[c]!)) > 90)) chosen.push(next);
  }
  return chosen as unknown as Cloth['palette'];
}
