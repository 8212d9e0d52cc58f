/** Seeded numbers in [0, 1): the same seed gives the same sequence. */
export function seeded(seed: number): () => number;

/** A damaged copy of `bytes`, and what was done to it. */
export function mutate(bytes: Uint8Array, random: () => number): { bytes: Uint8Array; mutation: string };
