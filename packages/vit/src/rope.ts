import type { VitConfig } from './config';

/**
 * Periods of the rotary positions of one axis, F = D / heads / 4 of them: `base^(i/F)`, from 1 up to just
 * below the base. A coordinate from −1 to 1 makes `1/period` turns from the centre to the edge.
 *
 * @param config.ropeBase - 100 in every released model.
 */
export function ropePeriods({ embedDim, heads, ropeBase }: Pick<VitConfig, 'embedDim' | 'heads' | 'ropeBase'>): number[] {
  const count = embedDim / heads / 4;
  return Array.from({ length: count }, (_, i) => ropeBase ** (i / count));
}
