import { join } from 'node:path';
import { type Features, patchColours } from '@dinov2/evaluation';
import { ProbeError } from '../error';
import { type LookingOptions, lookThrough } from '../inputs/looking';
import { openPictures, outputNames, spread } from '../inputs/picture-data';
import { enlarge, onGrey, png, sheet } from '../pictures/picture';
import { seenPicture } from '../pictures/seen-picture';
import { writeText } from '../results/files';

export interface PcaOptions extends LookingOptions {
  /** A basis of its own for each picture. */
  readonly perImage: boolean;
  readonly foreground: boolean;
  /** Where the first component is cut, a share of its range. */
  readonly threshold?: number;
  readonly flip: boolean;
  /** Pictures at most. */
  readonly limit: number;
}

/** Patch features as colours, one PNG for each picture and one of all with their originals. */
export async function pcaCommand(options: PcaOptions): Promise<void> {
  const { perImage, foreground, threshold, flip, limit } = options;
  if (!foreground && (flip || threshold !== undefined)) throw new ProbeError('--threshold and --flip choose the foreground; pass --foreground with them');
  const look = await lookThrough('pca', options);
  const { config, preprocessing } = look.subject;
  const table = await look.table({ classTokens: 0, patchTokens: [config.depth - 1] }, spread(openPictures(options.data), limit));
  const tokens = await Promise.all(table.paths.map((_, i) => table.patchTokens(i)));
  await table.close();
  const [, , columns] = tokens[0]!.shape as readonly [number, number, number, number];
  const images: Features[] = tokens.map(({ data, shape }) => ({ data, shape: [shape[1]! * shape[2]!, shape[3]!] }));
  const colours = patchColours(images, { columns, joint: !perImage, foreground: foreground && { flip, ...(threshold !== undefined && { threshold }) } });
  const names = outputNames(table.paths);
  const rows = await Promise.all(
    colours.map(async (rgba, i) => {
      const coloured = enlarge(onGrey(rgba, columns), config.patchSize);
      writeText(join(look.out, `${names[i]}-pca.png`), await png(coloured));
      return [await seenPicture(table.paths[i]!, preprocessing, options), coloured];
    }),
  );
  writeText(join(look.out, 'pca.png'), await png(sheet(rows)));
  console.log(`pictures ${look.out}: pca.png, and ${names.length} files NAME-pca.png`);
}
