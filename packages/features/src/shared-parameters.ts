import type { HostArray } from '@dinov2/vit';

/** A record of arrays in memory that threads share: one copy, however many threads there are. */
export function sharedParameters(parameters: Readonly<Record<string, HostArray>>): Record<string, HostArray> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { data, shape }]) => {
      if (data.buffer instanceof SharedArrayBuffer) return [name, { data, shape }];
      const shared = new Float32Array(new SharedArrayBuffer(data.byteLength));
      shared.set(data);
      return [name, { data: shared, shape }];
    }),
  );
}
