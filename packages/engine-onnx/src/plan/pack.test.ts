import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { align } from '../heap';
import { pack, type Interval } from './pack';

const intervals = fc.array(
  fc.record({ first: fc.nat({ max: 30 }), length: fc.nat({ max: 10 }), bytes: fc.integer({ min: 1, max: 2000 }) }).map(
    ({ first, length, bytes }): Interval => ({ first, last: first + length, bytes }),
  ),
  { maxLength: 40 },
);

describe('pack', () => {
  it('never gives two tensors that live at the same time the same memory', () => {
    fc.assert(
      fc.property(intervals, fc.constantFrom(Infinity, 4096), (list, capacity) => {
        const { placements, bins } = pack(list, capacity);
        list.forEach((a, i) => {
          const { bin, offset } = placements[i];
          expect(offset % 64).toBe(0);
          expect(offset + a.bytes).toBeLessThanOrEqual(bins[bin]);
          expect(bins[bin]).toBeLessThanOrEqual(capacity);
          list.slice(0, i).forEach((b, j) => {
            const apartInTime = a.last < b.first || b.last < a.first;
            const other = placements[j];
            const apartInSpace =
              bin !== other.bin || offset + a.bytes <= other.offset || other.offset + b.bytes <= offset;
            expect(apartInTime || apartInSpace).toBe(true);
          });
        });
      }),
    );
  });

  it('needs no more than the peak when tensors die in the reverse order of their birth', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const n = sizes.length;
        const nested = sizes.map((bytes, i): Interval => ({ first: i, last: 2 * n - i, bytes }));
        expect(pack(nested).bins).toEqual([sizes.reduce((sum, bytes) => sum + align(bytes), 0)]);
      }),
    );
  });

  it('uses memory again', () => {
    const chain = Array.from({ length: 100 }, (_, i): Interval => ({ first: i, last: i + 1, bytes: 64 }));
    expect(pack(chain).bins).toEqual([128]);
  });
});
