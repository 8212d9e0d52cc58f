import type { Picture } from './picture';

/** A patch of each picture. */
export interface Line {
  readonly from: { readonly column: number; readonly row: number };
  readonly to: { readonly column: number; readonly row: number };
  readonly similarity: number;
}

/** Lines between patches of two pictures beside each other as SVG; hues follow the place in the first picture. */
export function matchLines({ width, height }: Picture, lines: readonly Line[], { patch, shift }: { readonly patch: number; readonly shift: number }): string {
  const middle = (place: number) => (place + 0.5) * patch;
  const drawn = lines.map(({ from, to }) => {
    const [x1, y1, x2, y2] = [middle(from.column), middle(from.row), middle(to.column) + shift, middle(to.row)];
    const colour = `hsl(${Math.round((360 * x1) / shift + (90 * y1) / height) % 360} 80% 55%)`;
    const dot = (x: number, y: number) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}" stroke="#fff" stroke-width="1"/>`;
    return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}" stroke-width="1.5" stroke-opacity="0.85"/>${dot(x1, y1)}${dot(x2, y2)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${drawn.join('')}</svg>`;
}
