import type { Outputs } from '../types';
import type { RecordLayout } from './record';

/** What the records of a shard hold. */
export interface ShardContent {
  readonly outputs: Outputs;
  readonly layout: RecordLayout;
}

/** Whether records hold all that is wanted, and in a number type that is at least as precise. */
export function covers({ outputs, layout }: ShardContent, wanted: Outputs, precision: RecordLayout['precision']): boolean {
  const { classTokens, meanPatch = false, patchTokens, norm = true, attention = false } = wanted;
  const dense = patchTokens !== undefined || attention;
  return (
    outputs.classTokens >= classTokens &&
    (!meanPatch || outputs.meanPatch === true) &&
    (patchTokens ?? []).every((block) => outputs.patchTokens?.includes(block)) &&
    (patchTokens === undefined || (outputs.norm ?? true) === norm) &&
    (!attention || outputs.attention === true) &&
    (!dense || layout.precision === precision || layout.precision === 'float32')
  );
}
