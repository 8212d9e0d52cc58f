import { CurationError } from '../error';

/** No image, no component. */
export const NONE = 0xffffffff;

/** What a step decided of every image that entered it. */
export interface Decisions {
  /** (n,) numbers of the images, ascending. */
  readonly ids: Uint32Array;
  /** (n,) 1 for an image that goes on. */
  readonly keep: Uint8Array;
  /** (n,) why, as an index into `reasonNames`. */
  readonly reasons: Uint8Array;
  readonly reasonNames: readonly string[];
  /** (n,) the image that the reason is about, or {@link NONE}. */
  readonly related: Uint32Array;
  /** (n,) cosine to it, or NaN. */
  readonly similarity: Float32Array;
  /** (n,) number of the group or cluster, or {@link NONE}. */
  readonly component: Uint32Array;
  /** (n,) how often the image goes on; 0 for one that does not. */
  readonly times: Uint16Array;
}

/** Decisions that keep everything, to be changed. */
export function keepAll(ids: Uint32Array, times: Uint16Array, reason: string): DecisionsDraft {
  const n = ids.length;
  return {
    ids,
    keep: new Uint8Array(n).fill(1),
    reasons: new Uint8Array(n),
    reasonNames: [reason],
    related: new Uint32Array(n).fill(NONE),
    similarity: new Float32Array(n).fill(NaN),
    component: new Uint32Array(n).fill(NONE),
    times: times.slice(),
  };
}

/** {@link Decisions} in the making: reasons can be added. */
export interface DecisionsDraft extends Decisions {
  readonly reasonNames: string[];
}

/** Index of a reason, which is added if it is new. */
export function reasonCode({ reasonNames }: DecisionsDraft, reason: string): number {
  const known = reasonNames.indexOf(reason);
  if (known >= 0) return known;
  if (reasonNames.length > 255) throw new CurationError(`a step gave more than 256 reasons, the last "${reason}"; give fewer`);
  return reasonNames.push(reason) - 1;
}

/** Decide that the i-th image does not go on. */
export function drop(decisions: DecisionsDraft, i: number, reason: string): void {
  decisions.keep[i] = 0;
  decisions.times[i] = 0;
  decisions.reasons[i] = reasonCode(decisions, reason);
}

/** The images that go on, and how often. */
export function kept({ ids, keep, times }: Pick<Decisions, 'ids' | 'keep' | 'times'>): { ids: Uint32Array; times: Uint16Array } {
  let count = 0;
  for (const one of keep) count += one;
  const goOn = { ids: new Uint32Array(count), times: new Uint16Array(count) };
  let to = 0;
  for (let i = 0; i < ids.length; i++) {
    if (keep[i] === 0) continue;
    goOn.ids[to] = ids[i]!;
    goOn.times[to++] = times[i]!;
  }
  return goOn;
}

/** Counts of images by reason. */
export function countReasons({ reasons, reasonNames }: Decisions): Record<string, number> {
  const counts = new Float64Array(reasonNames.length);
  for (const reason of reasons) counts[reason]!++;
  return Object.fromEntries(reasonNames.flatMap((name, i) => (counts[i]! > 0 ? [[name, counts[i]!]] : [])).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}
