import { cellDistance, fractalNoise } from '@dinov2/primitives';

/** How much of a texture's second colour there is, 0 to 1, at a place in units of the texture's period. */
export type Texture = (u: number, v: number) => number;

const fraction = (x: number) => x - Math.floor(x);
/** 0 below −width, 1 above width, straight between. */
const step = (x: number, width: number) => Math.min(1, Math.max(0, 0.5 + x / (2 * width)));
/** Distance of a fraction from the nearer end of its unit. */
const toEdge = (x: number) => Math.min(fraction(x), 1 - fraction(x));

/** What grounds are made of; each has its own arrangement, whatever its colours. */
export const textures = {
  stripes: (u) => step(toEdge(u) - 0.25, 0.06),
  checks: (u, v) => step((fraction(u / 2) < 0.5 ? 1 : -1) * (fraction(v / 2) < 0.5 ? 1 : -1), 1),
  zigzag: (u, v) => step(toEdge(v + 1.2 * toEdge(u)) - 0.25, 0.08),
  cells: (u, v) => Math.min(1, 1.4 * cellDistance(u, v)),
  clouds: (u, v) => step(fractalNoise(0.7 * u, 0.7 * v, 0) - 0.5, 0.2),
  weave: (u, v) => {
    const over = (Math.floor(u) + Math.floor(v)) % 2 === 0;
    const across = over ? toEdge(v) : toEdge(u);
    return step(across - 0.12, 0.06) * (over ? 0.6 : 1);
  },
  rings: (u, v) => step(toEdge(1.5 * Math.hypot(u - Math.round(u / 3) * 3, v - Math.round(v / 3) * 3)) - 0.25, 0.08),
} as const satisfies Readonly<Record<string, Texture>>;

export type TextureName = keyof typeof textures;
