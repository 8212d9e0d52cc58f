import { add, cross, dot, normalize, scale, subtract, type Vector } from './vector';

/** A flat piece, seen from both sides; `u` and `v` are unit vectors along its sides. */
interface Rectangle {
  readonly kind: 'rectangle';
  readonly center: Vector;
  readonly u: Vector;
  readonly v: Vector;
  readonly halfWidth: number;
  readonly halfHeight: number;
}

/** A level round floor at height 0. */
interface Disc {
  readonly kind: 'disc';
  readonly radius: number;
}

interface Sphere {
  readonly kind: 'sphere';
  readonly center: Vector;
  readonly radius: number;
}

/** Half sizes along its own axes, turned about the vertical. */
interface Box {
  readonly kind: 'box';
  readonly center: Vector;
  readonly half: Vector;
  readonly turn: Turn;
}

/** Cosine and sine of an angle about the vertical; computed once, because every ray needs them. */
export type Turn = readonly [cos: number, sin: number];

/** Upright, with its lower end at `base`; a cone ends in a point. */
interface Round {
  readonly kind: 'cylinder' | 'cone';
  readonly base: Vector;
  readonly radius: number;
  readonly height: number;
}

export type Shape = Rectangle | Disc | Sphere | Box | Round;

/** A place on a shape. */
export interface Surface {
  /** Unit vector away from the surface; of a rectangle the one or the other. */
  readonly normal: Vector;
  /** Place along the surface in metres, for patterns. */
  readonly place: Vector;
}

/** Nearer hits are the start itself. */
const nearest = 1e-6;

/**
 * How far along a ray a shape is first met.
 *
 * @param origin - where the ray starts.
 * @param direction - of any length.
 * @returns in lengths of `direction`; Infinity when the ray misses it.
 */
export function intersect(shape: Shape, origin: Vector, direction: Vector): number {
  switch (shape.kind) {
    case 'rectangle':
      return hitRectangle(shape, origin, direction);
    case 'disc': {
      const t = -origin[1] / direction[1];
      const [x, z] = [origin[0] + t * direction[0], origin[2] + t * direction[2]];
      return t > nearest && x * x + z * z <= shape.radius ** 2 ? t : Infinity;
    }
    case 'sphere': {
      const from = subtract(origin, shape.center);
      return firstRoot(dot(direction, direction), dot(from, direction), dot(from, from) - shape.radius ** 2, () => true);
    }
    case 'box':
      return hitBox(shape, origin, direction);
    default:
      return hitRound(shape, origin, direction);
  }
}

function hitRectangle({ center, u, v, halfWidth, halfHeight }: Rectangle, origin: Vector, direction: Vector): number {
  const normal = cross(u, v);
  const to = subtract(center, origin);
  const t = dot(to, normal) / dot(direction, normal);
  if (!(t > nearest)) return Infinity;
  const at = subtract(scale(direction, t), to);
  return Math.abs(dot(at, u)) <= halfWidth && Math.abs(dot(at, v)) <= halfHeight ? t : Infinity;
}

function hitBox({ center, half, turn }: Box, origin: Vector, direction: Vector): number {
  const from = turnBack(subtract(origin, center), turn);
  const along = turnBack(direction, turn);
  let enter = -Infinity;
  let leave = Infinity;
  for (let axis = 0; axis < 3; axis++) {
    const a = (-half[axis] - from[axis]) / along[axis];
    const b = (half[axis] - from[axis]) / along[axis];
    enter = Math.max(enter, a < b ? a : b);
    leave = Math.min(leave, a < b ? b : a);
    if (enter > leave || leave < nearest) return Infinity;
  }
  return enter > nearest ? enter : leave;
}

function hitRound({ kind, base, radius, height }: Round, origin: Vector, direction: Vector): number {
  const [x, y, z] = subtract(origin, base);
  const [dx, dy, dz] = direction;
  // x² + z² = (radius · (1 − taper · y / height))²
  const slope = kind === 'cone' ? radius / height : 0;
  const reach = radius - slope * y;
  const side = firstRoot(
    dx * dx + dz * dz - (slope * dy) ** 2,
    x * dx + z * dz + reach * slope * dy,
    x * x + z * z - reach * reach,
    (t) => y + t * dy >= 0 && y + t * dy <= height,
  );
  const cap = (level: number) => {
    const t = (level - y) / dy;
    return t > nearest && (x + t * dx) ** 2 + (z + t * dz) ** 2 <= radius ** 2 ? t : Infinity;
  };
  return Math.min(side, cap(0), kind === 'cone' ? Infinity : cap(height));
}

/** The smallest t above 0 with a·t² + 2·b·t + c = 0 that counts, or Infinity. */
function firstRoot(a: number, b: number, c: number, counts: (t: number) => boolean): number {
  const discriminant = b * b - a * c;
  if (discriminant < 0 || a === 0) return Infinity;
  const root = Math.sqrt(discriminant);
  const [s, t] = a > 0 ? [(-b - root) / a, (-b + root) / a] : [(-b + root) / a, (-b - root) / a];
  if (s > nearest && counts(s)) return s;
  return t > nearest && counts(t) ? t : Infinity;
}

/** Normal and pattern coordinates at a point of a shape. */
export function surfaceAt(shape: Shape, point: Vector): Surface {
  switch (shape.kind) {
    case 'rectangle': {
      const at = subtract(point, shape.center);
      return { normal: cross(shape.u, shape.v), place: [dot(at, shape.u), dot(at, shape.v), 0] };
    }
    case 'disc':
      return { normal: [0, 1, 0], place: [point[0], point[2], 0] };
    case 'sphere': {
      const place = subtract(point, shape.center);
      return { normal: scale(place, 1 / shape.radius), place };
    }
    case 'box':
      return boxSurface(shape, point);
    default:
      return roundSurface(shape, point);
  }
}

function boxSurface({ center, half, turn }: Box, point: Vector): Surface {
  const at = turnBack(subtract(point, center), turn);
  const share = at.map((a, axis) => Math.abs(a) / half[axis]);
  const axis = share.indexOf(Math.max(...share));
  const sign = Math.sign(at[axis]);
  const normal: Vector = [axis === 0 ? sign : 0, axis === 1 ? sign : 0, axis === 2 ? sign : 0];
  // The vertical is always v, so that rows of a pattern are level; each face has a stretch of its own.
  const place: Vector = axis === 1 ? [at[0], at[2], 0] : [(axis === 0 ? at[2] : at[0]) + 10 * axis, at[1], 0];
  return { normal: turnBack(normal, [turn[0], -turn[1]]), place };
}

function roundSurface({ kind, base, radius, height }: Round, point: Vector): Surface {
  const [x, y, z] = subtract(point, base);
  const isCap = (kind === 'cylinder' && y > height - 1e-9 * height) || y < 1e-9 * height;
  if (isCap) return { normal: [0, y < height / 2 ? -1 : 1, 0], place: [x, z, 0] };
  const out = Math.hypot(x, z) || 1;
  const slope = kind === 'cone' ? radius / height : 0;
  const around = Math.atan2(x, -z) * (radius - slope * y);
  return { normal: normalize([x / out, slope, z / out]), place: [around, y * Math.hypot(1, slope), 0] };
}

/** A vector as seen from something that is turned. */
function turnBack([x, y, z]: Vector, [cos, sin]: Turn): Vector {
  return [cos * x - sin * z, y, cos * z + sin * x];
}

/** The turn by an angle in radians. */
export function turnBy(angle: number): Turn {
  return [Math.cos(angle), Math.sin(angle)];
}

/** Where a ray is after t of its lengths. */
export function pointAt(origin: Vector, direction: Vector, t: number): Vector {
  return add(origin, scale(direction, t));
}
