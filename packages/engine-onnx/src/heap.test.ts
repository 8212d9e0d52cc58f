import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeapSet, type Block } from './heap';

describe('HeapSet', () => {
  it('hands out aligned blocks that do not overlap, and takes all of them back', () => {
    const heaps = new HeapSet(1 << 20);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 9000 }), fc.nat()), { maxLength: 60 }), (actions) => {
        const live: Block[] = [];
        for (const [bytes, pick] of actions) {
          if (pick % 3 === 0 && live.length > 0) {
            heaps.free(live.splice(pick % live.length, 1)[0]);
            continue;
          }
          const block = heaps.allocate(bytes);
          expect(block.offset % 64).toBe(0);
          expect(block.bytes).toBeGreaterThanOrEqual(bytes);
          for (const other of live) {
            const apart = other.heap !== block.heap || other.offset + other.bytes <= block.offset || block.offset + block.bytes <= other.offset;
            expect(apart).toBe(true);
          }
          live.push(block);
        }
        live.forEach((block) => heaps.free(block));
        expect(heaps.used).toBe(0);
        // Nothing is left in pieces: one block of nearly the whole heap fits again.
        const whole = heaps.allocate(heaps.capacity);
        heaps.free(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('adds a heap when one is full', () => {
    const heaps = new HeapSet(1 << 20);
    const [a, b] = [heaps.allocate(700_000), heaps.allocate(700_000)];
    expect(a.heap).not.toBe(b.heap);
  });

  it('says what to do about a tensor that no heap can hold', () => {
    expect(() => new HeapSet(1 << 20).allocate(1 << 21)).toThrow(/2097152 bytes does not fit .* smaller batch/);
  });
});
