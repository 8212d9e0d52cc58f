import { expect, it } from 'vitest';
import { WeightsError } from './errors';

it('shows no control characters of a file, and no end of names', () => {
  expect(new WeightsError('tensor "\x1b[2Ja\u009b\x00" is\nmissing – größer').message).toBe('tensor "?[2Ja??" is\nmissing – größer');
  const { message } = new WeightsError(`tensor "${'a'.repeat(1_000_000)}" is missing`);
  expect(message.length).toBeLessThan(10_100);
  expect(message).toMatch(/^tensor "a+… \(1000020 characters\)$/);
});
