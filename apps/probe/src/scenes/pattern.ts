import { fractalNoise, valueNoise, whiteNoise } from '@dinov2/primitives';
import type { SceneClass } from './classes';

/**
 * How much of a material's second colour there is, 0 to 1, at a place on a surface in units of the
 * pattern's period. Flat surfaces have w = 0.
 */
export type Pattern = (u: number, v: number, w: number) => number;

/** How each class arranges its two colours, half of each. */
export const patterns: Readonly<Record<Exclude<SceneClass, 'sky'>, Pattern>> = {
  ground: blots,
  wall: bricks,
  ceiling: chequers,
  box: planks,
  sphere: marble,
  cylinder: spiral,
  cone: dots,
};

const fraction = (x: number) => x - Math.floor(x);
const coin = (x: number, y: number, z: number) => (whiteNoise(x, y, z) < 0.5 ? 0 : 1);
/** 0 below −width, 1 above width, smooth between. */
const step = (x: number, width: number) => Math.min(1, Math.max(0, 0.5 + x / (2 * width)));

function blots(u: number, v: number): number {
  return step(valueNoise(1.6 * u, 1.6 * v, 0) - 0.5, 0.04);
}

/** Each brick has the one colour or the other. */
function bricks(u: number, v: number): number {
  const row = Math.floor(2 * v);
  return coin(Math.floor(u + (row % 2 === 0 ? 0 : 0.5)), row, 3);
}

function chequers(u: number, v: number): number {
  return (Math.floor(2 * u) + Math.floor(2 * v)) % 2 === 0 ? 0 : 1;
}

/** Boards along u, each of the one colour or the other. */
function planks(u: number, v: number): number {
  const board = Math.floor(2 * v);
  return coin(board, Math.floor(u / 3 + 7 * whiteNoise(board, 1, 1)), 5);
}

function marble(u: number, v: number, w: number): number {
  return 0.5 + 0.5 * Math.sin(5 * (u + v) + 10 * fractalNoise(u, v, w));
}

function spiral(u: number, v: number): number {
  return step(Math.abs(fraction(u + v) - 0.5) - 0.25, 0.06);
}

function dots(u: number, v: number): number {
  const row = Math.floor(v);
  const x = fraction(u + (row % 2 === 0 ? 0 : 0.5)) - 0.5;
  const y = fraction(v) - 0.5;
  return step(0.4 - Math.hypot(x, y), 0.06);
}
