/** Where the plane lies on the screen: a point is at `offset + scale · point`, in CSS pixels. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The whole of a plane of some extent in the middle of an area, with room for the pictures at its border. */
export function fitView(area: Size, extent: Size, count: number): View {
  const scaleIn = (margin: number) => Math.max(1, Math.min((area.width - margin) / Math.max(extent.width, 1e-6), (area.height - margin) / Math.max(extent.height, 1e-6)));
  const scale = scaleIn(24 + thumbnailSide(count, scaleIn(24)));
  return { x: (area.width - scale * extent.width) / 2, y: (area.height - scale * extent.height) / 2, scale };
}

/** Points (x, y, …) turned so that their longer side lies along that of the area, from (0, 0) on. */
export function turnTo(area: Size, points: readonly number[]): { places: readonly number[]; extent: Size } {
  const range = (axis: 0 | 1) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < points.length; i += 2) [low, high] = [Math.min(low, points[i]!), Math.max(high, points[i]!)];
    return { low, span: high - low };
  };
  const [x, y] = [range(0), range(1)];
  const turn = x.span < y.span !== area.width < area.height;
  const places = points.map((_, i) => (i % 2 === (turn ? 1 : 0) ? points[i - (i % 2)]! - x.low : points[i - (i % 2) + 1]! - y.low));
  return { places, extent: turn ? { width: y.span, height: x.span } : { width: x.span, height: y.span } };
}

/** `view` enlarged by `factor`, with the point at (x, y) of the screen left where it is. */
export function zoomAt(view: View, factor: number, x: number, y: number, smallest: number): View {
  const scale = Math.min(smallest * 60, Math.max(smallest * 0.6, view.scale * factor));
  const by = scale / view.scale;
  return { x: x - (x - view.x) * by, y: y - (y - view.y) * by, scale };
}

/** Side of a picture on the map in CSS pixels: about what keeps `count` of them apart, within reason. */
export function thumbnailSide(count: number, scale: number): number {
  return Math.min(96, Math.max(9, (scale * 0.8) / Math.sqrt(Math.max(1, count))));
}
