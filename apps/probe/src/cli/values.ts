import { InvalidArgumentError } from 'commander';

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected a number above 0');
  return value;
}

/** A cosine, from −1 to 1. */
export function cosine(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(Math.abs(value) <= 1)) throw new InvalidArgumentError('expected a cosine, from -1 to 1');
  return value;
}

/** Every mention of a repeatable option. */
export const collect = (text: string, before: readonly string[] = []): string[] => [...before, text];

/** `yes` or `no`. */
export function yesOrNo(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('expected yes or no');
  return text === 'yes';
}
