import { listOf, wholeNumber } from '@dinov2/app-kit';
import { describe, expect, it } from 'vitest';
import { cosine, positiveNumber, yesOrNo } from './values';

describe('values of options', () => {
  it('takes what fits', () => {
    expect(listOf(wholeNumber(1))('1, 20')).toEqual([1, 20]);
    expect([cosine('-1'), cosine('0.95'), positiveNumber('1e-3'), yesOrNo('no')]).toEqual([-1, 0.95, 1e-3, false]);
  });

  it.each([
    [cosine, ['95', 'near', '', '-1.01', 'NaN']],
    [positiveNumber, ['0', '-1', 'Infinity', 'much']],
    [wholeNumber(1), ['0', '1.5', 'one']],
    [yesOrNo, ['true']],
  ])('refuses what does not', (read, texts) => {
    for (const text of texts) expect(() => read(text)).toThrow(/expected/);
  });
});
