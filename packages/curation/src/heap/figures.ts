/** Signed distance to the outline of a figure of radius about 1: below 0 inside. */
export type Figure = (x: number, y: number) => number;

const polygon = (x: number, y: number, corners: number, radius: number) => {
  const sector = (2 * Math.PI) / corners;
  const angle = Math.atan2(x, y);
  const folded = angle - sector * Math.round(angle / sector);
  return Math.hypot(x, y) * Math.cos(folded) - radius * Math.cos(sector / 2);
};

/** What stands in front of a ground. */
export const figures = {
  disc: (x, y) => Math.hypot(x, y) - 0.9,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.72) - 0.2,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) - 0.75,
  triangle: (x, y) => polygon(x, y, 3, 1.1),
  star: (x, y) => {
    const angle = Math.atan2(x, y);
    return Math.hypot(x, y) - 0.75 - 0.3 * Math.cos(5 * angle);
  },
  cross: (x, y) => {
    const [a, b] = [Math.abs(x), Math.abs(y)];
    return Math.min(Math.max(a - 0.95, b - 0.27), Math.max(a - 0.27, b - 0.95));
  },
  crescent: (x, y) => Math.max(Math.hypot(x, y) - 0.95, 0.8 - Math.hypot(x - 0.45, y)),
  bars: (x, y) => Math.max(Math.abs(x) - 0.9, Math.abs(Math.abs(y) - 0.5) - 0.22),
} as const satisfies Readonly<Record<string, Figure>>;

export type FigureName = keyof typeof figures;
