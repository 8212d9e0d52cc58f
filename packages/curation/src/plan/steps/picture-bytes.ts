import { readSpan } from '@dinov2/data';
import { numbers, strings } from '../../tables';
import type { ImageTable } from '../image-table';

/** Files of images by number: a path, or the bytes of a tar's member. */
export async function pictureFiles(images: ImageTable): Promise<{ path(id: number): string; input(id: number): Promise<string | Uint8Array> }> {
  const table = await images.columns(['path', 'offset', 'length']);
  const [paths, offsets, lengths] = [strings(table, 'path'), numbers(table, 'offset'), numbers(table, 'length')];
  return {
    path: (id) => paths[id]!,
    async input(id) {
      const [offset, length] = [offsets[id], lengths[id]];
      if (offset === null || offset === undefined || length === null || length === undefined) return paths[id]!;
      return readSpan(paths[id]!, { offset, length });
    },
  };
}
