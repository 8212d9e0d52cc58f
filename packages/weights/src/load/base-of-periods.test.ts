import { ropePeriods } from '@dinov2/vit';
import { describe, expect, it } from 'vitest';
import { baseOfPeriods } from './base-of-periods';

/** To 8 bits of mantissa, as the released files of DINOv3 have periods. */
function bfloat16(values: readonly number[]): Float32Array {
  const rounded = Float32Array.from(values);
  const bits = new Uint32Array(rounded.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] + 0x8000) & 0xffff0000;
  return rounded;
}

describe('baseOfPeriods', () => {
  it.each([100, 50, 1000])('finds base %d, rounded or not', (ropeBase) => {
    const periods = ropePeriods({ embedDim: 128, heads: 2, ropeBase });
    expect(baseOfPeriods(Float32Array.from(periods))).toBe(ropeBase);
    expect(baseOfPeriods(bfloat16(periods))).toBe(ropeBase);
  });

  it('finds nothing where there is nothing to tell it', () => {
    expect(baseOfPeriods(Float32Array.of(1))).toBeUndefined();
    expect(baseOfPeriods(Float32Array.of(1, 0))).toBeUndefined();
  });
});
