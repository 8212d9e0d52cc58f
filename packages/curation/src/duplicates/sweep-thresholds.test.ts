import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocks, graphs } from './graphs.testing';
import { edgeBlock, selfDeduplicate, sweepThresholds } from './index';

describe('sweepThresholds', () => {
  it('has for each threshold the counts of a deduplication at it', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(), async ({ rows, edges }) => {
        const sweep = await sweepThresholds(rows, blocks(edges, 5), [0.75, 0, 0.25]);
        for (const { threshold, edges: above, components, participants, removable, largest } of sweep) {
          const { counts, sizes } = await selfDeduplicate(rows, blocks(edges, 5), { threshold });
          expect({ edges: above, components, participants, removable }).toEqual({
            edges: counts.edges,
            components: counts.components,
            participants: counts.participants,
            removable: counts.removable,
          });
          expect(largest).toBe(sizes.at(-1)?.size ?? 0);
        }
      }),
    );
  });

  it('measures precision and recall against labels', async () => {
    // Truth: {0, 1, 2}, {3, 4}, 5, 6. Worked by hand: at 0.5 the components are {0, 1}, {3, 4, 5}, at 0.8 only {3, 4}.
    const edges = edgeBlock([0, 3, 4, 2], [1, 4, 5, 6], [0.7, 0.9, 0.6, 0.4]);
    const [loose, strict] = await sweepThresholds(7, [edges], [0.5, 0.8], { labels: [8, 8, 8, 9, 9, 1, 2], pairs: 1 });
    expect(loose).toMatchObject({
      edges: 3,
      components: 2,
      participants: 5,
      removable: 3,
      largest: 3,
      pairs: [{ from: 4, to: 5, similarity: Math.fround(0.6) }],
      // Pairs joined: 1 + 3, true among them 1 + 1, true in all 3 + 1. Rows to go: 1 + 2, rightly 1 + 1, wanted 2 + 1.
      agreement: { pairs: { precision: 2 / 4, recall: 2 / 4 }, removals: { precision: 2 / 3, recall: 2 / 3 } },
    });
    expect(strict!.agreement).toEqual({ pairs: { precision: 1, recall: 1 / 4 }, removals: { precision: 1, recall: 1 / 3 } });
  });
});
