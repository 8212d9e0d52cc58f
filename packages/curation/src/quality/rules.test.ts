import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideByRules, defaultRules, qualityColumnNames, qualityColumns } from './index';

describe('decideByRules', () => {
  const columns = { width: [20, 640, 640, 31], sharpness: [1, 2, NaN, 900] };
  const rules = [
    { name: 'too small', column: 'width', min: 32 },
    { name: 'blurred', column: 'sharpness', min: 3, max: 800 },
  ];

  it('names the first rule that a row breaks, and counts all', () => {
    const decisions = decideByRules(columns, rules);
    expect([...decisions.keep]).toEqual([0, 0, 1, 0]);
    expect([...decisions.rule]).toEqual([0, 1, -1, 0]);
    expect(decisions.broken).toEqual([2, 3]);
    expect([0, 1, 2, 3].map(decisions.reason)).toEqual([
      'too small: width 20 is below 32',
      'blurred: sharpness 2 is below 3',
      undefined,
      'too small: width 31 is below 32',
    ]);
    expect(decideByRules(columns, rules.slice(1)).reason(3)).toBe('blurred: sharpness 900 is above 800');
  });

  it('keeps exactly the rows within all bounds', () => {
    const bound = fc.record({ column: fc.constantFrom('a', 'b'), min: fc.integer({ min: -5, max: 5 }), max: fc.integer({ min: -5, max: 5 }) });
    const value = fc.integer({ min: -6, max: 6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value)), fc.array(bound, { maxLength: 3 }), (rows, bounds) => {
        const { keep } = decideByRules(
          { a: rows.map(([a]) => a), b: rows.map(([, b]) => b) },
          bounds.map((each, index) => ({ ...each, name: `${index}` })),
        );
        const within = ([a, b]: [number, number]) => bounds.every(({ column, min, max }) => (column === 'a' ? a >= min && a <= max : b >= min && b <= max));
        expect([...keep]).toEqual(rows.map((row) => Number(within(row))));
      }),
    );
  });

  it('leaves a picture with structure and drops one without, by default', () => {
    const paint = (colour: (x: number, y: number) => number[]) => {
      const data = new Uint8Array(64 * 64 * 3);
      for (let i = 0; i < 64 * 64; i++) data.set(colour(i % 64, i >> 6), 3 * i);
      return qualityColumns({ data, width: 64, height: 64 });
    };
    const pictures = [paint((x, y) => [x * 3 + y, y * 4, 255 - x * 2 - ((x * y) % 32)]), paint(() => [128, 128, 128]), paint(() => [2, 2, 2])];
    const byColumn = Object.fromEntries(qualityColumnNames.map((name) => [name, pictures.map((picture) => picture[name])]));
    const { keep, rule } = decideByRules(byColumn);
    expect([...keep]).toEqual([1, 0, 0]);
    expect(defaultRules[rule[1]!]!.name).toBe('near-uniform');
  });

  it('says what is wrong with a rule', () => {
    expect(() => decideByRules(columns, [{ name: 'x', column: 'height', min: 1 }])).toThrow('the rule "x" is about the column height; there are width, sharpness');
    expect(() => decideByRules(columns, [{ name: 'x', column: 'width' }])).toThrow('the rule "x" sets no bound on width');
    expect(() => decideByRules({ ...columns, more: [1] }, rules)).toThrow('the column more has 1 rows, others 4');
  });
});
