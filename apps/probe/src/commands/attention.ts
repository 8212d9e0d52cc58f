import { join } from 'node:path';
import { heat } from '@dinov2/evaluation';
import { type LookingOptions, lookThrough } from '../inputs/looking';
import { openPictures, outputNames, spread } from '../inputs/picture-data';
import { enlarge, type Picture, png, sheet } from '../pictures/picture';
import { seenPicture } from '../pictures/seen-picture';
import { writeText } from '../results/files';

export interface AttentionOptions extends LookingOptions {
  readonly limit: number;
}

/**
 * Attention of the last block to the patches: one PNG for each picture, a row for the class token and for
 * each register; in it the picture, the mean over heads and every head.
 */
export async function attentionCommand(options: AttentionOptions): Promise<void> {
  const look = await lookThrough('attention', options);
  const { config, preprocessing } = look.subject;
  const table = await look.table({ classTokens: 0, attention: true }, spread(openPictures(options.data), options.limit));
  const names = outputNames(table.paths);
  for (const [i, path] of table.paths.entries()) {
    const { data, shape } = await table.attention(i); // (heads, 1 + registers, rows, columns)
    const [heads, queries, rows, columns] = shape as readonly [number, number, number, number];
    const patches = rows * columns;
    const map = (head: number, query: number) => data.subarray((head * queries + query) * patches, (head * queries + query + 1) * patches);
    const mean = (query: number) => Float32Array.from({ length: patches }, (_, p) => Array.from({ length: heads }, (_h, head) => map(head, query)[p]!).reduce((a, b) => a + b) / heads);
    const draw = (values: Float32Array): Picture => enlarge({ data: heat(values), width: columns, height: rows }, config.patchSize);
    const seen = await seenPicture(path, preprocessing, options);
    const lines = Array.from({ length: queries }, (_, query) => [seen, draw(mean(query)), ...Array.from({ length: heads }, (_h, head) => draw(map(head, query)))]);
    writeText(join(look.out, `${names[i]}-attention.png`), await png(sheet(lines)));
  }
  await table.close();
  console.log(`pictures ${look.out}: ${names.length} files NAME-attention.png; rows: class token, registers; columns: picture, mean of heads, heads`);
}
