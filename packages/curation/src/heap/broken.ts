import type { Random } from '@dinov2/primitives';

/** Ways in which a file is no picture. */
export const brokenKinds = ['truncated', 'empty', 'garbage', 'page'] as const;
export type BrokenKind = (typeof brokenKinds)[number];

/** A file that no decoder reads, whatever its name says; `picture` is what is cut when it is truncated. */
export function breakFile(kind: BrokenKind, random: Random, picture: Buffer): Buffer {
  switch (kind) {
    case 'truncated':
      return picture.subarray(0, Math.round(picture.length * random.uniform(0.2, 0.6)));
    case 'empty':
      return Buffer.alloc(0);
    case 'garbage':
      return Buffer.from(Array.from({ length: 400 + random.integer(2000) }, () => random.integer(256)));
    case 'page':
      return Buffer.from(`<!doctype html><title>404 Not Found</title><p>No such picture: ${random.bits().toString(16)}</p>\n`);
  }
}
