import { roundCosine } from './round-cosine';

/** How far below the threshold pairs are kept, to look at and to compare thresholds. */
const BELOW = 0.15;

/** Cosine above which pairs are searched for. */
export const floorOf = (threshold: number): number => Math.max(-1, threshold - BELOW);

/** Thresholds around the one that is used, which is among them: even steps up to 1. */
export function sweptThresholds(threshold: number): number[] {
  const steps = 6;
  const below = Array.from({ length: steps }, (_, i) => roundCosine(threshold - (BELOW * (steps - i)) / (steps + 1)));
  const above = Array.from({ length: steps }, (_, i) => roundCosine(threshold + ((1 - threshold) * (i + 1)) / (steps + 1)));
  return [...below, threshold, ...above];
}
