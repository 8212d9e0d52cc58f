import type { SpanningForest } from './spanning-forest';

/**
 * For each row the highest threshold below which it is still in one component with its representative: the weakest edge on
 * the forest's path between them. 1 for the representatives themselves.
 *
 * @param component - labels; edges of the forest between different components are not used
 * @param representative - for each row a row of its component
 */
export function linkageOf(forest: SpanningForest, component: Uint32Array, representative: Uint32Array): Float32Array {
  const { rows, count, from, to, similarity } = forest;
  const linkage = new Float32Array(rows).fill(Number.NaN);
  const starts = new Uint32Array(rows + 1);
  for (let i = 0; i < count; i++) {
    if (component[from[i]!] !== component[to[i]!]) continue;
    starts[from[i]! + 1]!++;
    starts[to[i]! + 1]!++;
  }
  for (let row = 0; row < rows; row++) starts[row + 1]! += starts[row]!;
  const next = starts.slice();
  const neighbours = new Uint32Array(starts[rows]!);
  const strengths = new Float32Array(starts[rows]!);
  for (let i = 0; i < count; i++) {
    if (component[from[i]!] !== component[to[i]!]) continue;
    for (const [row, other] of [[from[i]!, to[i]!], [to[i]!, from[i]!]] as const) {
      neighbours[next[row]!] = other;
      strengths[next[row]!++] = similarity[i]!;
    }
  }
  const waiting: number[] = [];
  for (let root = 0; root < rows; root++) {
    if (representative[root] !== root) continue;
    linkage[root] = 1;
    waiting.push(root);
    while (waiting.length > 0) {
      const row = waiting.pop()!;
      for (let place = starts[row]!; place < starts[row + 1]!; place++) {
        const other = neighbours[place]!;
        // A tree: the only neighbour already seen is the one it was reached from.
        if (!Number.isNaN(linkage[other]!)) continue;
        linkage[other] = Math.min(linkage[row]!, strengths[place]!);
        waiting.push(other);
      }
    }
  }
  return linkage;
}
