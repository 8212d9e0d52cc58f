import { createRandom } from '@dinov2/primitives';
import { expect, it } from 'vitest';
import { placeImages } from './place-images';

/** `groups` directions with `each` tokens around every one of them. */
function tokens(groups: number, each: number, columns: number): Float32Array {
  const random = createRandom(4);
  const centres = Array.from({ length: groups }, () => Float32Array.from({ length: columns }, () => random.normal()));
  return Float32Array.from({ length: groups * each * columns }, (_, i) => centres[Math.floor(i / columns / each)]![i % columns]! + 0.2 * random.normal());
}

it('puts what is alike side by side, within the unit square, the same every time', () => {
  const [groups, each, columns] = [4, 20, 24];
  const all = tokens(groups, each, columns);
  const shares: number[] = [];
  const { method, places } = placeImages(all, columns, (share) => shares.push(share));
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect([shares[0], shares.at(-1)! < 1, shares.at(-1)! > 0.9]).toEqual([0, true, true]);
  expect(method).toBe('umap');
  expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...places)).toBeLessThanOrEqual(1);
  expect(placeImages(all, columns).places).toEqual(places);
  // The nearest other image on the plane is of the same group.
  for (let i = 0; i < groups * each; i++) {
    const distances = Array.from({ length: groups * each }, (_, j) => (i === j ? Infinity : Math.hypot(places[2 * i]! - places[2 * j]!, places[2 * i + 1]! - places[2 * j + 1]!)));
    expect(Math.floor(distances.indexOf(Math.min(...distances)) / each)).toBe(Math.floor(i / each));
  }
});

it.each([1, 2, 3, 14])('uses principal components for %d images', (count) => {
  const { method, places } = placeImages(tokens(count, 1, 8), 8);
  expect(method).toBe('pca');
  expect(places).toHaveLength(2 * count);
  expect(places.every((value) => value >= 0 && value <= 1)).toBe(true);
});
