/** Factors on the two scheduled values for one parameter. */
export interface ParameterGroup {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Follows the last layer's learning rate, which is 0 while it is frozen. */
  readonly lastLayer: boolean;
}

export interface GroupRules {
  /** Blocks of the backbone. */
  readonly depth: number;
  readonly layerwiseDecay: number;
  readonly patchEmbedMultiplier: number;
}

/**
 * The group of a backbone parameter, by its official name.
 *
 * The learning rate falls by `layerwiseDecay` per block below the output: tokens and patch
 * embedding count as layer 0, block i as i + 1, the final norm as depth + 1.
 */
export function backboneGroup(name: string, rules: GroupRules): ParameterGroup {
  const { depth, layerwiseDecay, patchEmbedMultiplier } = rules;
  const patchEmbed = name.startsWith('patch_embed.');
  const block = /^blocks\.(?:\d+\.)?(\d+)\./.exec(name);
  let layer = depth + 1;
  if (patchEmbed || /^(pos_embed|mask_token|cls_token|register_tokens)$/.test(name)) layer = 0;
  else if (block) layer = Number(block[1]) + 1;
  return {
    learningRate: layerwiseDecay ** (depth + 1 - layer) * (patchEmbed ? patchEmbedMultiplier : 1),
    weightDecay: weightDecayMultiplier(name),
    lastLayer: false,
  };
}

/** The group of a head parameter: no layer-wise decay. */
export function headGroup(name: string): ParameterGroup {
  return {
    learningRate: 1,
    weightDecay: weightDecayMultiplier(name),
    lastLayer: name.includes('last_layer'),
  };
}

// Tokens, position table and the prototypes' g and v are decayed, as in the reference.
function weightDecayMultiplier(name: string): number {
  return name.endsWith('.bias') || name.includes('norm') || name.includes('gamma') ? 0 : 1;
}

/** Text equal for parameters of equal factors. */
export function groupKey(group: ParameterGroup): string {
  return `${group.learningRate} ${group.weightDecay} ${group.lastLayer}`;
}
