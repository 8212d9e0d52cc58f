import { createHash } from 'node:crypto';

/** A hash of values that JSON can hold; keys in any order. */
export function hashOf(...values: readonly unknown[]): string {
  const sorted = JSON.stringify(values, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
  return createHash('sha256').update(sorted).digest('hex');
}
