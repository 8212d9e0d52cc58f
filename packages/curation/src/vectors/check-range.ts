import { CurationError } from '../error';

/** Throws unless `first` … `first + count − 1` are rows of `name`. */
export function checkRange(first: number, count: number, rows: number, name: string): void {
  if (Number.isInteger(first) && Number.isInteger(count) && first >= 0 && count >= 0 && first + count <= rows) return;
  throw new CurationError(`rows ${first} to ${first + count - 1} of ${name} were asked for, which has rows 0 to ${rows - 1}`);
}
