import { CurationError } from '../error';

/** @throws CurationError when a threshold is not a cosine that anything could be above */
export function checkThreshold(threshold: number): void {
  if (!(threshold >= -1 && threshold < 1)) {
    throw new CurationError(`threshold ${threshold}; pass a cosine from -1 to less than 1 (DINOv2: 0.6 within a set, 0.45 against held-out sets)`);
  }
}

/** @throws CurationError when something given does not have one entry per row */
export function checkLength(name: string, length: number | undefined, rows: number): void {
  if (length !== undefined && length !== rows) {
    throw new CurationError(`${name} has ${length} entries for ${rows} rows; pass one per row`);
  }
}
