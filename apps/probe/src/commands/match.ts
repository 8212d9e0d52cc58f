import { join } from 'node:path';
import { pickEngine } from '@dinov2/app-kit';
import { type Features, matchPatches } from '@dinov2/evaluation';
import { ProbeError } from '../error';
import { type LookingOptions, lookThrough } from '../inputs/looking';
import { openPictures } from '../inputs/picture-data';
import { matchLines } from '../pictures/match-lines';
import { png, sheet } from '../pictures/picture';
import { seenPicture } from '../pictures/seen-picture';
import { writeText } from '../results/files';

export interface MatchCommandOptions extends LookingOptions {
  /** Least cosine of a match. */
  readonly threshold?: number;
  /** Lines at most, the most similar ones. */
  readonly limit: number;
}

/** Gap between both pictures, in pixels. */
const GAP = 12;

/** Patches of two pictures that are each other's nearest, as lines between them and as JSON. */
export async function matchCommand([first, second]: readonly string[], { threshold, limit, ...options }: MatchCommandOptions): Promise<void> {
  const sources = [first!, second!].map((path) => {
    const source = openPictures(path);
    if (source.paths.length !== 1) throw new ProbeError(`${path} holds ${source.paths.length} pictures; match takes two picture files`);
    return source.paths[0]!;
  });
  const look = await lookThrough('match', options);
  const { config, preprocessing } = look.subject;
  const table = await look.table({ classTokens: 0, patchTokens: [config.depth - 1] }, { paths: sources, labels: Int32Array.of(-1, -1), classes: [] });
  if (table.count < 2) throw new ProbeError(`cannot read ${table.skipped[0]!.path}: ${table.skipped[0]!.reason}`);
  const [a, b] = await Promise.all([0, 1].map((i) => table.patchTokens(i)));
  await table.close();
  const [, rows, columns, width] = a!.shape as readonly [number, number, number, number];
  const flat = ({ data }: { data: Float32Array }): Features => ({ data, shape: [rows * columns, width] });
  const { engine } = await pickEngine(options);
  const matches = await matchPatches(flat(a!), flat(b!), { engine, ...(threshold !== undefined && { threshold }) });
  await engine.dispose();
  const shown = matches.slice(0, limit);
  const place = (patch: number) => ({ column: patch % columns, row: Math.floor(patch / columns) });
  const both = sheet([await Promise.all(table.paths.map((path) => seenPicture(path, preprocessing, options)))], GAP);
  const drawing = matchLines(both, shown.map((match) => ({ from: place(match.a), to: place(match.b), similarity: match.similarity })), { patch: config.patchSize, shift: columns * config.patchSize + GAP });
  writeText(join(look.out, 'match.png'), await png(both, drawing));
  writeText(
    join(look.out, 'match.json'),
    `${JSON.stringify({ pictures: table.paths, rows, columns, matches: matches.map((match) => ({ a: place(match.a), b: place(match.b), similarity: match.similarity })) }, null, 2)}\n`,
  );
  console.log(`pictures ${look.out}: match.png with ${shown.length} of ${matches.length} mutual matches, match.json`);
}
