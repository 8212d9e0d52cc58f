import { align } from '../heap';

/** A block of memory needed from one step to another, both included. */
export interface Interval {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

interface Placement {
  readonly bin: number;
  readonly offset: number;
}

export interface Packing {
  /** In the order of the intervals. */
  readonly placements: readonly Placement[];
  /** Bytes of each bin. One bin, unless it would be larger than the capacity. */
  readonly bins: readonly number[];
}

/**
 * Give every interval an offset so that intervals that overlap in time do not overlap in space.
 *
 * Largest first, each into the smallest gap that fits (greedy by size: Pisarchyk and Lee,
 * "Efficient memory management for deep neural net inference", 2020).
 */
export function pack(intervals: readonly Interval[], capacity = Infinity): Packing {
  const order = intervals
    .map((_, i) => i)
    .sort((a, b) => intervals[b].bytes - intervals[a].bytes || intervals[a].first - intervals[b].first);
  const placements: Placement[] = new Array(intervals.length);
  /** What each bin holds, by offset. */
  const bins: { content: number[]; bytes: number }[] = [];
  for (const i of order) {
    const interval = intervals[i];
    for (let bin = 0; ; bin++) {
      const { content, bytes } = (bins[bin] ??= { content: [], bytes: 0 });
      const offset = bestGap(interval, content, intervals, placements);
      const end = offset + align(interval.bytes);
      if (end > capacity && (bytes > 0 || bin < bins.length - 1)) continue;
      placements[i] = { bin, offset };
      bins[bin].bytes = Math.max(bytes, end);
      const index = content.findIndex((other) => placements[other].offset > offset);
      content.splice(index < 0 ? content.length : index, 0, i);
      break;
    }
  }
  return { placements, bins: bins.map(({ bytes }) => bytes) };
}

/** Offset of the smallest gap between what is alive at the same time; the end if none is large enough. */
function bestGap(
  { first, last, bytes }: Interval,
  content: readonly number[],
  intervals: readonly Interval[],
  placements: readonly Placement[],
): number {
  const size = align(bytes);
  let best = -1;
  let bestSize = Infinity;
  let end = 0;
  for (const other of content) {
    const neighbour = intervals[other];
    if (neighbour.first > last || neighbour.last < first) continue;
    const { offset } = placements[other];
    const gap = offset - end;
    if (gap >= size && gap < bestSize) {
      best = end;
      bestSize = gap;
    }
    end = Math.max(end, offset + align(neighbour.bytes));
  }
  return best < 0 ? end : best;
}
