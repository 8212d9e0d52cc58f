import { describe, expect, it } from 'vitest';
import { filter } from './filter';
import { workOf } from './work.testing';

const columns = {
  width: Float64Array.of(10, 100, 300, 100, 100),
  height: Float64Array.of(100, 100, 50, 100, 100),
  aspect: Float64Array.of(0.1, 1, 6, 1, 1),
  sharpness: Float64Array.of(9, 9, 9, 0, NaN),
};
const rules = [{ name: 'small', column: 'width', min: 32 }, { name: 'long', column: 'aspect', min: 0.2, max: 5 }];

describe('filter', () => {
  it('drops what breaks a rule, by the first it breaks, and counts all', async () => {
    const step = { filter: { rules, moreRules: [{ name: 'blurred', column: 'sharpness', min: 3 }] } };
    const { decisions, facts } = (await filter(workOf(step, { sources: { web: { images: 5 } }, columns })))!;
    expect(Array.from(decisions.reasons, (code) => decisions.reasonNames[code])).toEqual(['small', 'kept', 'long', 'blurred', 'kept']);
    expect([...decisions.keep]).toEqual([0, 1, 0, 0, 1]);
    expect([...decisions.times]).toEqual([0, 1, 0, 0, 1]);
    expect(facts).toEqual({
      rules: [{ ...rules[0], broken: 1, dropped: 1 }, { ...rules[1], broken: 2, dropped: 1 }, { name: 'blurred', column: 'sharpness', min: 3, broken: 1, dropped: 1 }],
    });
  });
});
