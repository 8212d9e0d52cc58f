import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Distribution, drawFloats } from './draw-floats';
import { createRandom } from './random';

const finite = fc.double({ min: -4, max: 4, noNaN: true });
const distributions: fc.Arbitrary<Distribution> = fc.oneof(
  fc.record({ normal: finite }),
  fc.record({ uniform: fc.tuple(finite, finite) }),
);

it('draws what the generator draws one by one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.nat(500), distributions, (seed, length, distribution) => {
      const random = createRandom(seed).fork('weights');
      const drawn = drawFloats(length, distribution, random.state());
      const draw = 'normal' in distribution ? () => distribution.normal * random.normal() : () => random.uniform(...distribution.uniform);
      expect(drawn).toEqual(Float32Array.from({ length }, draw));
    }),
  );
});

it('works from its text alone', () => {
  const again = new Function(`return ${drawFloats.toString()}`)() as typeof drawFloats;
  const from = createRandom(1).state();
  expect(again(100, { normal: 0.02 }, from)).toEqual(drawFloats(100, { normal: 0.02 }, from));
  expect(again(100, { uniform: [-1, 2] }, from)).toEqual(drawFloats(100, { uniform: [-1, 2] }, from));
});
