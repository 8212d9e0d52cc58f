import { FeaturesError } from './error';
import type { Outputs } from './types';

/** Throws a {@link FeaturesError} for outputs that a network of `depth` blocks does not have. */
export function checkOutputs({ classTokens, meanPatch, patchTokens, attention }: Outputs, depth: number): void {
  if (!Number.isInteger(classTokens) || classTokens < 0 || classTokens > depth) {
    throw new FeaturesError(`class tokens of the last ${classTokens} blocks of a network of ${depth}; pass a number from 0 to ${depth}`);
  }
  const missing = patchTokens?.find((block) => !Number.isInteger(block) || block < 0 || block >= depth);
  if (missing !== undefined) {
    throw new FeaturesError(`patch tokens of block ${missing} of a network of ${depth} blocks; blocks are 0 to ${depth - 1}`);
  }
  if (patchTokens && new Set(patchTokens).size < patchTokens.length) {
    throw new FeaturesError(`patch tokens of the blocks ${patchTokens.join(', ')}; name each block once`);
  }
  if (patchTokens?.length === 0) {
    throw new FeaturesError('patch tokens of no block; name blocks, or leave patchTokens out');
  }
  if (classTokens === 0 && meanPatch !== true && patchTokens === undefined && attention !== true) {
    throw new FeaturesError('no outputs are asked for; pass classTokens: 1 for the class token of the last block');
  }
}
