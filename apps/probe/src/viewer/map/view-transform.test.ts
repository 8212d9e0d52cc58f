import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fitView, thumbnailSide, turnTo, zoomAt } from './view-transform';

const length = fc.double({ min: 200, max: 2000, noNaN: true });

it('fits all pictures of a plane into the area', () => {
  fc.assert(
    fc.property(length, length, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 40 }), (width, height, values) => {
      const points = values.slice(0, values.length - (values.length % 2));
      const area = { width, height };
      const { places, extent } = turnTo(area, points);
      const count = points.length / 2;
      const view = fitView(area, extent, count);
      const half = thumbnailSide(count, Math.min(view.scale, 1)) / 2;
      for (let i = 0; i < places.length; i += 2) {
        const [x, y] = [view.x + places[i]! * view.scale, view.y + places[i + 1]! * view.scale];
        expect(Math.min(x, width - x)).toBeGreaterThanOrEqual(half - 1);
        expect(Math.min(y, height - y)).toBeGreaterThanOrEqual(half - 1);
      }
      // Turned, not stretched: distances stay.
      const distance = (all: readonly number[]) => Math.hypot(all[0]! - all.at(-2)!, all[1]! - all.at(-1)!);
      expect(distance(places)).toBeCloseTo(distance(points), 9);
    }),
  );
});

it('zooms about the point under the pointer', () => {
  const view = { x: 40, y: -20, scale: 500 };
  const zoomed = zoomAt(view, 1.7, 300, 200, 400);
  expect(zoomed.scale).toBeCloseTo(850);
  for (const [at, side] of [[300, 'x'], [200, 'y']] as const) {
    expect((at - zoomed[side]) / zoomed.scale).toBeCloseTo((at - view[side]) / view.scale, 9);
  }
});
