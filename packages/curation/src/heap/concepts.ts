import { type FigureName, figures } from './figures';
import { type TextureName, textures } from './textures';

/** How often a figure is repeated in a picture. */
export type Layout = 'single' | 'scattered' | 'row';

/** What pictures of one kind have in common; all else about them differs. */
export interface Concept {
  /** `texture-figure`: neighbours share the one or the other. */
  readonly name: string;
  readonly texture: TextureName;
  readonly figure: FigureName;
  readonly layout: Layout;
}

const layouts = ['single', 'scattered', 'row'] as const;

/** The 64 concepts of a heap: every figure before every ground. */
export const concepts: readonly Concept[] = (Object.keys(textures) as TextureName[]).flatMap((texture, i) =>
  (Object.keys(figures) as FigureName[]).map((figure, j): Concept => ({ name: `${texture}-${figure}`, texture, figure, layout: layouts[(i + j) % 3]! })),
);
