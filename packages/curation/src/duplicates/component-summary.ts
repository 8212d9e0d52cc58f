import type { Vectors } from '../vectors/vectors';
import type { ComponentList } from './component-list';
import { type Pair, weakestPair } from './cosines';
import type { SpanningForest } from './spanning-forest';

/** A component, and how well it holds together. */
export interface ComponentSummary {
  /** Lowest row. */
  readonly component: number;
  readonly representative: number;
  /** Rows. */
  readonly size: number;
  /** The weakest edge that holds it together: at a threshold of its similarity the component falls apart. */
  readonly weakestLink: Pair;
  /**
   * The least similar two of its rows, where vectors were given: far below the threshold where the component is a chain. Of
   * components of more than 256 rows, among 256 of them evenly spaced.
   */
  readonly weakestPair?: Pair;
}

const compared = 256;

/** Sizes of all components and descriptions of the largest. */
export async function summarise(
  { labels, starts, members }: ComponentList,
  representatives: Uint32Array,
  { count, from, to, similarity }: SpanningForest,
  component: Uint32Array,
  { describe, vectors }: { describe: number; vectors?: Vectors },
): Promise<{ sizes: { size: number; components: number }[]; largest: ComponentSummary[] }> {
  const sizeOf = (index: number) => starts[index + 1]! - starts[index]!;
  const counts = new Map<number, number>();
  labels.forEach((_, index) => counts.set(sizeOf(index), (counts.get(sizeOf(index)) ?? 0) + 1));
  const sizes = [...counts].map(([size, components]) => ({ size, components })).sort((a, b) => a.size - b.size);

  const described = largestOf(labels.length, sizeOf, sizes, describe);
  const wanted = new Set(described.map((index) => labels[index]!));
  const weakestLinks = new Map<number, Pair>();
  for (let i = 0; i < count; i++) {
    const label = component[from[i]!]!;
    if (label !== component[to[i]!] || !wanted.has(label)) continue;
    // The forest is in falling order: the last edge of a component is its weakest.
    weakestLinks.set(label, { from: from[i]!, to: to[i]!, similarity: similarity[i]! });
  }
  const largest: ComponentSummary[] = [];
  for (const index of described) {
    const rows = members.subarray(starts[index]!, starts[index + 1]!);
    largest.push({
      component: labels[index]!,
      representative: representatives[index]!,
      size: rows.length,
      weakestLink: weakestLinks.get(labels[index]!)!,
      ...(vectors && { weakestPair: await weakestPair(vectors, spaced(rows)) }),
    });
  }
  return { sizes, largest };
}

/** The largest components, the lower first among equals; only those above the smallest size among them are sorted. */
function largestOf(
  components: number,
  sizeOf: (index: number) => number,
  sizes: readonly { size: number; components: number }[],
  describe: number,
): number[] {
  let smallest = 0;
  let left = describe;
  for (const { size, components } of sizes.toReversed()) {
    smallest = size;
    if (components >= left) break;
    left -= components;
  }
  const described: number[] = [];
  for (let index = 0; index < components; index++) {
    if (sizeOf(index) > smallest || (sizeOf(index) === smallest && left-- > 0)) described.push(index);
  }
  return described.sort((a, b) => sizeOf(b) - sizeOf(a) || a - b);
}

function spaced(rows: Uint32Array): Uint32Array {
  if (rows.length <= compared) return rows;
  return Uint32Array.from({ length: compared }, (_, i) => rows[Math.floor((i * rows.length) / compared)]!);
}
