import type { FeatureTable } from '@dinov2/features';
import { searchNeighbours } from '@dinov2/evaluation';

/** The patch of a picture that is most like a given one. */
export interface NearestPatch {
  readonly path: string;
  readonly similarity: number;
  /** Column and row. */
  readonly patch: readonly [column: number, row: number];
}

/**
 * Of each picture of a table the patch nearest to `token` (D) by cosine; the most similar picture first.
 * One picture is in memory at a time.
 */
export async function nearestPatches(token: Float32Array, table: FeatureTable): Promise<NearestPatch[]> {
  const found: NearestPatch[] = [];
  for (const [i, path] of table.paths.entries()) {
    const { data, shape } = await table.patchTokens(i);
    const [, rows, columns, width] = shape as readonly [number, number, number, number];
    const { indices, similarities } = await searchNeighbours({ data: token, shape: [1, width] }, { data, shape: [rows * columns, width] }, 1);
    found.push({ path, similarity: similarities[0]!, patch: [indices[0]! % columns, Math.floor(indices[0]! / columns)] });
  }
  return found.sort((a, b) => b.similarity - a.similarity);
}
