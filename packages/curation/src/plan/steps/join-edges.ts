import type { EdgeBlock } from '../../neighbours/edges';
import { type TableSchema, writeTableInParts } from '../../tables';

const schema: TableSchema = { from: { type: 'uint32' }, to: { type: 'uint32' }, similarity: { type: 'float32' } };

/**
 * Write edges between rows as a table of edges between images, so that thresholds can be compared afterwards without
 * another search.
 *
 * @param from - images by row
 * @param to - images by row, where rows at the other end are others
 */
export async function writeEdgeTable(path: string, edges: AsyncIterable<EdgeBlock>, from: Uint32Array, to: Uint32Array = from): Promise<void> {
  await writeTableInParts(path, schema, async (append) => {
    for await (const block of edges) {
      if (block.count === 0) continue;
      await append({
        from: block.from.subarray(0, block.count).map((row) => from[row]!),
        to: block.to.subarray(0, block.count).map((row) => to[row]!),
        similarity: block.similarity.subarray(0, block.count),
      });
    }
  });
}
