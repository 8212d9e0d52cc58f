import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concepts } from './concepts';
import { drawConcept } from './draw-concept';
import { drawJunk, junkKinds } from './draw-junk';
import { figures } from './figures';
import { textures } from './textures';

const place = fc.double({ min: -80, max: 80, noNaN: true });

describe('concepts', () => {
  it('are 64 with names of their own', () => {
    expect(new Set(concepts.map(({ name }) => name)).size).toBe(64);
  });

  it.each(concepts.filter((_, i) => i % 9 === 0).map((concept) => [concept.name, concept] as const))('%s is drawn alike for a seed, and otherwise for another', (_, concept) => {
    const draw = (seed: number) => drawConcept(concept, createRandom(seed), 90, 72);
    expect(draw(1)).toEqual(draw(1));
    const [a, b] = [draw(1).data, draw(2).data];
    expect(a).toHaveLength(90 * 72 * 3);
    // Of 255, on average; a re-encoded copy differs by a few.
    expect(a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length).toBeGreaterThan(10);
    expect(Math.max(...a) - Math.min(...a)).toBeGreaterThan(40);
  });
});

describe.each(Object.entries(textures))('texture %s', (_, texture) => {
  it('is a share everywhere, and not the same one', () => {
    let [least, most] = [1, 0];
    fc.assert(
      fc.property(place, place, (u, v) => {
        const share = texture(u, v);
        [least, most] = [Math.min(least, share), Math.max(most, share)];
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
    expect(most - least).toBeGreaterThan(0.5);
  });
});

describe.each(Object.entries(figures))('figure %s', (_, figure) => {
  it('covers a part of its square and leaves the corners free', () => {
    let inside = 0;
    for (let x = -1.2; x <= 1.2; x += 0.05) for (let y = -1.2; y <= 1.2; y += 0.05) if (figure(x, y) < 0) inside++;
    const share = inside / 49 ** 2;
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.6);
    for (const [x, y] of [[1.2, 1.2], [-1.2, 1.2], [1.2, -1.2], [-1.2, -1.2]] as const) expect(figure(x, y)).toBeGreaterThan(0);
  });
});

describe('drawJunk', () => {
  it.each(junkKinds)('%s has the sizes and the spread of its kind', (kind) => {
    const { data, width, height } = drawJunk(kind, createRandom(5), 96, 80);
    expect(data).toHaveLength(width * height * 3);
    if (kind === 'tiny') expect(Math.max(width, height)).toBeLessThan(24);
    if (kind === 'banner') expect(Math.max(width, height) / Math.min(width, height)).toBeGreaterThan(8);
    if (kind === 'uniform') for (let c = 0; c < 3; c++) expect(Math.abs(data[c]! - data[data.length - 3 + c]!)).toBeLessThanOrEqual(2);
  });
});
