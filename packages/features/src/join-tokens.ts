import type { HostArray } from '@dinov2/vit';
import type { Tokens } from './types';

/** Tokens of consecutive parts of a batch as those of the whole; what is beyond `batch` images is left out. */
export function joinTokens(parts: readonly Tokens[], batch: number): Tokens {
  if (parts.length === 1 && parts[0].count === batch) return parts[0];
  const join = (name: 'classTokens' | 'meanPatch' | 'patchTokens' | 'attention'): HostArray | undefined => {
    const [, ...shape] = parts[0][name]?.shape ?? [];
    if (parts[0][name] === undefined) return undefined;
    const size = shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(batch * size);
    let offset = 0;
    for (const part of parts) {
      const rows = part[name]!.data;
      data.set(rows.subarray(0, data.length - offset), offset);
      offset += rows.length;
    }
    return { data, shape: [batch, ...shape] };
  };
  const [meanPatch, patchTokens, attention] = (['meanPatch', 'patchTokens', 'attention'] as const).map(join);
  return {
    count: batch,
    classTokens: join('classTokens')!,
    ...(meanPatch && { meanPatch }),
    ...(patchTokens && { patchTokens }),
    ...(attention && { attention }),
  };
}
