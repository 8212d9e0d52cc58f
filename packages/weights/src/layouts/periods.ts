import { ropePeriods, type VitConfig } from '@dinov2/vit';
import type { Shape } from './layout';

/** Periods of rotary positions for files that do not store them. */
export function periods(_: Shape, config: VitConfig): Float32Array {
  return Float32Array.from(ropePeriods(config));
}
