import { describe, expect, it } from 'vitest';
import { bytes, duration, si } from './format';

describe('format', () => {
  it('writes durations', () => {
    expect([5.4, 200, 5400, 3 * 86400, 5 * 365 * 86400, NaN].map(duration)).toEqual(['5 s', '3 min 20 s', '1 h 30 min', '3 days', '5 years', '–']);
  });

  it('writes counts and bytes', () => {
    expect([950, 5_526_000, 1.234e12].map(si)).toEqual(['950', '5.53 M', '1.23 T']);
    expect([100, 1536, 3 * 2 ** 30].map(bytes)).toEqual(['100 B', '1.5 KiB', '3 GiB']);
  });
});
