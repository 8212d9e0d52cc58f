/** Where the unit square lies on the screen: a point is at `offset + scale · point`, in CSS pixels. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** The whole square in the middle of an area, with a margin. */
export function fitView({ width, height }: { width: number; height: number }, margin = 28): View {
  const scale = Math.max(1, Math.min(width, height) - 2 * margin);
  return { x: (width - scale) / 2, y: (height - scale) / 2, scale };
}

/** `view` enlarged by `factor`, with the point at (x, y) of the screen left where it is. */
export function zoomAt(view: View, factor: number, x: number, y: number, smallest: number): View {
  const scale = Math.min(smallest * 60, Math.max(smallest * 0.6, view.scale * factor));
  const by = scale / view.scale;
  return { x: x - (x - view.x) * by, y: y - (y - view.y) * by, scale };
}

/** Side of a picture on the map in CSS pixels: about what keeps `count` of them apart, within reason. */
export function thumbnailSide(count: number, scale: number): number {
  return Math.min(112, Math.max(9, (scale * 0.9) / Math.sqrt(Math.max(1, count))));
}
