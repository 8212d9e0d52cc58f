import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersect, pointAt, type Shape, surfaceAt, turnBy } from './shapes';
import { dot, length, normalize, subtract, type Vector } from './vector';

const shapes: readonly Shape[] = [
  { kind: 'rectangle', center: [0, 1, 4], u: normalize([1, 0, 0.5]), v: [0, 1, 0], halfWidth: 2, halfHeight: 1 },
  { kind: 'disc', radius: 6 },
  { kind: 'sphere', center: [0.3, 1, 4], radius: 0.8 },
  { kind: 'box', center: [0, 1, 4], half: [0.8, 0.5, 1.1], turn: turnBy(0.4) },
  { kind: 'cylinder', base: [0, 0.4, 4], radius: 0.7, height: 1.5 },
  { kind: 'cone', base: [0, 0.4, 4], radius: 0.9, height: 1.5 },
];

/** Positive outside, negative inside, zero on the surface; written down apart from the ray tests. */
function signedGap(shape: Shape, point: Vector): number {
  switch (shape.kind) {
    case 'disc':
      return point[1];
    case 'sphere':
      return length(subtract(point, shape.center)) - shape.radius;
    case 'box': {
      const [cos, sin] = shape.turn;
      const [x, y, z] = subtract(point, shape.center);
      const local = [cos * x - sin * z, y, cos * z + sin * x];
      return Math.max(...local.map((a, axis) => Math.abs(a) - shape.half[axis]));
    }
    case 'cylinder':
    case 'cone': {
      const [x, y, z] = subtract(point, shape.base);
      const radius = shape.kind === 'cone' ? shape.radius * (1 - y / shape.height) : shape.radius;
      return Math.max(Math.hypot(x, z) - radius, y - shape.height, -y);
    }
    default: {
      const at = subtract(point, shape.center);
      const across = Math.abs(dot(at, shape.u));
      const up = Math.abs(dot(at, shape.v));
      const off = Math.sqrt(Math.max(0, dot(at, at) - across * across - up * up));
      return Math.max(off, across - shape.halfWidth, up - shape.halfHeight);
    }
  }
}

const coordinate = fc.double({ min: -3, max: 3, noNaN: true });
const ray = fc.tuple(
  fc.tuple(coordinate, fc.double({ min: 0.5, max: 3, noNaN: true }), fc.double({ min: -3, max: 1, noNaN: true })),
  fc.tuple(coordinate, coordinate, fc.double({ min: 3, max: 5, noNaN: true })),
);

describe.each(shapes)('intersect with a $kind', (shape) => {
  it('meets the surface, and nothing of it before', () => {
    let hits = 0;
    fc.assert(
      fc.property(ray, ([origin, target]) => {
        const direction = subtract(target, origin);
        const t = intersect(shape, origin, direction);
        const far = Math.min(t, 3);
        if (t < Infinity) {
          hits++;
          // A root of nearly equal numbers of size 10 has lost half of float64's 16 digits at worst.
          expect(Math.abs(signedGap(shape, pointAt(origin, direction, t)))).toBeLessThan(1e-6);
        }
        if (shape.kind === 'rectangle' || shape.kind === 'disc') return;
        for (let i = 1; i < 50; i++) {
          expect(signedGap(shape, pointAt(origin, direction, (far * i) / 50))).toBeGreaterThan(-1e-6);
        }
      }),
      { numRuns: 300 },
    );
    expect(hits).toBeGreaterThan(20);
  });

  it('has normals of length 1 that point away from the inside', () => {
    fc.assert(
      fc.property(ray, ([origin, target]) => {
        const direction = subtract(target, origin);
        const t = intersect(shape, origin, direction);
        if (t === Infinity) return;
        const point = pointAt(origin, direction, t);
        const { normal } = surfaceAt(shape, point);
        expect(length(normal)).toBeCloseTo(1, 9);
        if (shape.kind !== 'rectangle') expect(signedGap(shape, pointAt(point, normal, 1e-3))).toBeGreaterThan(0);
      }),
    );
  });
});
