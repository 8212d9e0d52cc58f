import { InvalidArgumentError } from 'commander';
import type { Shard } from '../kmeans/shards';

/** A cosine. */
export function cosine(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > -1 && value <= 1)) throw new InvalidArgumentError('expected a cosine above -1, at most 1');
  return value;
}

/** A share above 0, at most 1. */
export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('expected a share above 0, at most 1');
  return value;
}

/** A whole number, or a share up to 1. */
export function countOrShare(text: string): number {
  const value = Number(text);
  if (!(value > 0 && (value <= 1 || Number.isInteger(value)))) throw new InvalidArgumentError('expected a whole number from 1, or a share up to 1');
  return value;
}

/** `0/4`: the first of four parts. */
export function shard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (!(index < of)) throw new InvalidArgumentError('expected i/n with i from 0 to n - 1, such as 0/4');
  return { index, of };
}
