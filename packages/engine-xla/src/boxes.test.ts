import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBox, sizeOf, writeBox } from './boxes';

const boxes = fc
  .array(
    fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map(([before, length, after]) => ({ start: before, length, total: before + length + after })),
    { maxLength: 4 },
  )
  .map((axes) => ({ shape: axes.map(({ total }) => total), box: { start: axes.map(({ start }) => start), shape: axes.map(({ length }) => length) } }));

describe('boxes', () => {
  it('are read as their elements say, and written back to where they were', () => {
    fc.assert(
      fc.property(boxes, ({ shape, box }) => {
        const data = Int32Array.from({ length: sizeOf(shape) }, (_, i) => i + 1);
        const part = readBox(data, shape, box);
        // Element by element, from the index in the box to that in the array.
        const expected = Array.from({ length: sizeOf(box.shape) }, (_, i) => {
          let rest = i;
          let index = 0;
          let stride = 1;
          for (let axis = shape.length - 1; axis >= 0; axis--) {
            index += ((rest % box.shape[axis]!) + box.start[axis]!) * stride;
            rest = Math.floor(rest / box.shape[axis]!);
            stride *= shape[axis]!;
          }
          return index + 1;
        });
        expect([...part]).toEqual(expected);
        const back = new Int32Array(data.length);
        writeBox(part, back, shape, box);
        expect([...back]).toEqual([...data].map((value) => (expected.includes(value) ? value : 0)));
      }),
    );
  });
});
