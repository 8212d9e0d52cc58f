import { cellDistance, fractalNoise, valueNoise, whiteNoise } from '@dinov2/primitives';
import type { SceneClass } from './classes';

/**
 * How much of a material's second colour there is, 0 to 1, at a place on a surface in units of the
 * pattern's period. Flat surfaces have w = 0.
 */
export type Pattern = (u: number, v: number, w: number) => number;

/** What tells materials apart, whatever their colours: each class has its own arrangement. */
export const patterns: Readonly<Record<Exclude<SceneClass, 'sky'>, Pattern>> = {
  ground: pebbles,
  wall: bricks,
  ceiling: panels,
  box: planks,
  sphere: marble,
  cylinder: spiral,
  cone: dots,
};

const fraction = (x: number) => x - Math.floor(x);
/** 0 below −width, 1 above width, smooth between. */
const step = (x: number, width: number) => Math.min(1, Math.max(0, 0.5 + x / (2 * width)));

function pebbles(u: number, v: number): number {
  return Math.min(1, 1.3 * cellDistance(u, v));
}

function bricks(u: number, v: number): number {
  const row = Math.floor(2 * v);
  const x = fraction(u + (row % 2 === 0 ? 0 : 0.5));
  const edge = Math.min(Math.min(x, 1 - x), Math.min(fraction(2 * v), 1 - fraction(2 * v)) / 2);
  const own = 0.35 * whiteNoise(Math.floor(u + (row % 2 === 0 ? 0 : 0.5)), row, 3);
  return step(0.05 - edge, 0.03) * (1 - own) + own;
}

function panels(u: number, v: number): number {
  const [x, y] = [fraction(u), fraction(v)];
  return step(0.07 - Math.min(x, 1 - x, y, 1 - y), 0.03);
}

/** Boards along u with grain along them. */
function planks(u: number, v: number): number {
  const board = Math.floor(v);
  const y = fraction(v);
  const grain = valueNoise(0.8 * u + 17 * whiteNoise(board, 5, 5), 7 * v, board);
  return Math.max(step(0.07 - Math.min(y, 1 - y), 0.04), 0.75 * grain);
}

function marble(u: number, v: number, w: number): number {
  return 0.5 + 0.5 * Math.sin(5 * (u + v) + 12 * fractalNoise(u, v, w));
}

function spiral(u: number, v: number): number {
  return step(Math.abs(fraction(u + v) - 0.5) - 0.25, 0.06);
}

function dots(u: number, v: number): number {
  const row = Math.floor(v);
  const x = fraction(u + (row % 2 === 0 ? 0 : 0.5)) - 0.5;
  const y = fraction(v) - 0.5;
  return step(0.3 - Math.hypot(x, y), 0.06);
}
