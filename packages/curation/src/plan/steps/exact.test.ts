import { describe, expect, it } from 'vitest';
import { NONE } from '../decisions';
import { exact } from './exact';
import { workOf } from './work.testing';

// Images 0, 2 and 4 have the same bytes; 1 and 5 hashes that differ in two bits, 3 one far from all.
const columns = {
  sha256: ['a', 'b', 'a', 'c', 'a', 'd'],
  phash: BigUint64Array.of(0xf0n, 0xff00n, 0xf0n, 0xffff0000ffn, 0xf0n, 0xfc00n),
  aspect: Float64Array.of(1, 1.5, 1, 1, 1, 1.5),
  width: Float64Array.of(10, 30, 10, 10, 10, 60),
  height: Float64Array.of(10, 20, 10, 10, 10, 40),
};
const run = async (step: unknown, sources: Parameters<typeof workOf>[1]['sources'] = { web: { images: 6 } }) => {
  const { decisions, facts } = (await exact(workOf(step, { sources, columns })))!;
  const { reasons, reasonNames, keep, related, component } = decisions;
  return {
    facts,
    keep: [...keep].join(''),
    reasons: Array.from(reasons, (code) => reasonNames[code]),
    related: Array.from(related, (id) => (id === NONE ? '-' : id)).join(' '),
    component: Array.from(component, (id) => (id === NONE ? '-' : id)).join(' '),
  };
};

describe('exact', () => {
  it('keeps the largest of pictures that look the same, and one of equal files', async () => {
    expect(await run('exact')).toEqual({
      keep: '100101',
      reasons: ['representative', 'perceptualDuplicate', 'contentDuplicate', 'unique', 'contentDuplicate', 'representative'],
      related: '- 5 0 - 0 -',
      component: '0 1 0 - 0 1',
      facts: { groups: 2, largest: 3, content: 2, perceptual: 1 },
    });
  });

  it('prefers the source of the largest priority', async () => {
    expect((await run('exact', { web: { images: 4 }, own: { images: 2, priority: 1 } })).keep).toBe('000111');
    expect((await run({ exact: { keep: 'lowestId' } }, { web: { images: 4 }, own: { images: 2, priority: 1 } })).keep).toBe('110100');
  });

  it('compares bytes alone where it is told to', async () => {
    expect((await run({ exact: { perceptual: null } })).keep).toBe('110101');
  });
});
