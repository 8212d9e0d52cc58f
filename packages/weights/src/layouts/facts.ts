import type { PositionInterpolation, VitConfig } from '@dinov2/vit';

/** What is known of an architecture, from shapes of weights or from a configuration beside them. */
export interface Facts {
  readonly embedDim?: number;
  readonly depth?: number;
  readonly heads?: number;
  readonly patchSize?: number;
  /** Patches along a side of the position table. */
  readonly tableSide?: number;
  readonly registers?: number;
  readonly ffn?: VitConfig['ffn'];
  readonly ffnHiddenDim?: number;
  /** One of the ratios that give the hidden width. */
  readonly mlpRatio?: number;
  readonly hasLayerScale?: boolean;
  readonly qkvBias?: boolean;
  readonly positions?: VitConfig['positions'];
  /** Side in pixels, where there is no table to tell it. */
  readonly imageSize?: number;
  readonly layerScale?: number;
  readonly normEpsilon?: number;
  readonly ropeBase?: number;
  readonly interpolation?: PositionInterpolation;
}

/** Lines `field: first says a, second says b` for what both know and see differently. */
export function disagreements(first: Facts, second: Facts, names: readonly [string, string]): string[] {
  return (Object.keys(first) as (keyof Facts)[])
    .filter((key) => first[key] !== undefined && second[key] !== undefined && String(first[key]) !== String(second[key]))
    .map((key) => `${key} is ${String(first[key])} in ${names[0]}, ${String(second[key])} in ${names[1]}`);
}
