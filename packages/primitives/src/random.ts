/** Serialisable position of a {@link Random}: six unsigned 32-bit words. */
export type RandomState = readonly number[];

/**
 * A seeded generator (xoshiro128**, Blackman and Vigna 2018). Equal seeds give equal draws on every
 * platform; no global state is read or written.
 */
export interface Random {
  /** The next 32 random bits as an unsigned integer. */
  bits(): number;
  /** Uniform in [low, high), 53 random bits; [0, 1) by default. */
  uniform(low?: number, high?: number): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform among 0, …, n − 1, without modulo bias; n from 1 to 2^32. */
  integer(n: number): number;
  /** A uniformly random order of 0, …, n − 1. */
  permutation(n: number): Int32Array;
  /**
   * An independent generator for a named purpose. It depends on this generator's seed and the
   * label only, not on how many numbers were drawn, so draws for step 1000 can be made without
   * those for step 999.
   */
  fork(label: string | number): Random;
  /** Where the sequence stands; plain numbers, fit for JSON. */
  state(): RandomState;
  /** Continue from a state taken with {@link Random.state}. */
  restore(state: RandomState): void;
}

/**
 * A generator with a seed.
 *
 * @param seed - a non-negative safe integer.
 * @throws RangeError when the seed is not one.
 *
 * @example
 * ```ts
 * const random = createRandom(0);
 * const rows = random.fork('drop path').permutation(8);
 * ```
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`seed ${seed} is not usable; pass an integer from 0 to 2^53 - 1`);
  }
  return fromKey(seed >>> 0, Math.floor(seed / 2 ** 32));
}

function fromKey(low: number, high: number): Random {
  // The two key words are mixed one after the other, so that (0, 1) and (1, 0) differ.
  const expand = splitmix((splitmix(low)() ^ high) >>> 0);
  let s0 = expand();
  let s1 = expand();
  let s2 = expand();
  let s3 = expand();
  if ((s0 | s1 | s2 | s3) === 0) s0 = 1; // the one state xoshiro cannot leave

  const bits = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotateLeft(s3, 11);
    return result;
  };

  const unit = (): number => {
    const a = bits() >>> 5; // 27 bits
    const b = bits() >>> 6; // 26 bits
    return (a * 2 ** 26 + b) / 2 ** 53;
  };

  const integer = (n: number): number => {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`integer(${n}): pass an integer from 1 to 2^32`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = bits();
    while (draw >= limit) draw = bits();
    return draw % n;
  };

  return {
    bits,
    uniform: (from = 0, to = 1) => from + (to - from) * unit(),
    // Box–Muller; the sine partner is not kept, so that the state is the four words alone.
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    integer,
    permutation: (n) => {
      const order = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = integer(i + 1);
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    },
    fork: (label) => {
      // FNV-1a over the label, started from each key word; the type keeps 1 and '1' apart.
      const text = `${typeof label}:${label}`;
      const expandLow = splitmix((fnv(text, 0x811c9dc5) ^ low) >>> 0);
      const expandHigh = splitmix((fnv(text, 0x01000193) ^ high) >>> 0);
      return fromKey((expandLow() ^ high) >>> 0, (expandHigh() ^ low) >>> 0);
    },
    state: () => [low, high, s0 >>> 0, s1 >>> 0, s2 >>> 0, s3 >>> 0],
    restore: (state) => {
      if (state.length !== 6) {
        throw new RangeError(
          `random state of ${state.length} numbers; expected the 6 from state()`,
        );
      }
      [low, high, s0, s1, s2, s3] = state;
    },
  };
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** SplitMix with 32-bit words: spreads a seed over a state whose words look unrelated. */
function splitmix(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

function fnv(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
