import { join } from 'node:path';
import type { ImageSource } from '@dinov2/data';
import { searchNeighbours } from '@dinov2/evaluation';
import { ProbeError } from '../error';
import { type Looking, type LookingOptions, lookThrough } from '../inputs/looking';
import { openPictures, spread } from '../inputs/picture-data';
import { nearestPatches } from '../pictures/nearest-patches';
import { frame, type Picture, png, sheet } from '../pictures/picture';
import { seenPicture } from '../pictures/seen-picture';
import { writeText } from '../results/files';

export interface NeighboursOptions extends LookingOptions {
  /** Pictures to find neighbours of; by default some of the data. */
  readonly query?: string;
  /** Neighbours of each. */
  readonly k: number;
  /** A place in the query, shares of its width and height: find this patch instead of the whole picture. */
  readonly patch?: readonly number[];
  /** Queries at most. */
  readonly limit: number;
}

interface Found {
  readonly path: string;
  readonly similarity: number;
  /** Column and row of the patch that is alike. */
  readonly patch?: readonly [number, number];
}

/** The pictures of the data that are nearest to a query, by class token or by one patch, as PNG and JSON. */
export async function neighboursCommand(options: NeighboursOptions): Promise<void> {
  const { query, patch, k, limit } = options;
  if (patch !== undefined && (patch.length !== 2 || patch.some((share) => share > 1))) throw new ProbeError(`--patch ${patch.join(',')}: expected two shares of width and height, such as 0.5,0.25`);
  const look = await lookThrough('neighbours', options);
  const data = openPictures(options.data);
  const queries = spread(query === undefined ? data : openPictures(query), patch === undefined ? limit : 1);
  const found = patch === undefined ? await byPicture(look, queries, data, k) : [await byPatch(look, queries, data, k, patch)];
  const { config, preprocessing } = look.subject;
  const draw = async ({ path, patch: place }: Pick<Found, 'path' | 'patch'>): Promise<Picture> => {
    const picture = await seenPicture(path, preprocessing, options);
    if (place !== undefined) frame(picture, place[0] * config.patchSize, place[1] * config.patchSize, config.patchSize);
    return picture;
  };
  const rows = await Promise.all(found.map(async ({ neighbours, ...asked }) => Promise.all([asked, ...neighbours].map(draw))));
  writeText(join(look.out, 'neighbours.json'), `${JSON.stringify(found, null, 2)}\n`);
  writeText(join(look.out, 'neighbours.png'), await png(sheet(rows)));
  console.log(`pictures ${look.out}: neighbours.png (first the query, then the nearest), neighbours.json`);
}

type Answer = Pick<Found, 'path' | 'patch'> & { readonly neighbours: readonly Found[] };

async function byPicture(look: Looking, queries: ImageSource, data: ImageSource, k: number): Promise<Answer[]> {
  const database = await look.table({ classTokens: 1 }, data);
  const asked = await look.table({ classTokens: 1 }, queries);
  try {
    // A query that is in the data is its own nearest: one more is looked for, and it is left out.
    const { indices, similarities, k: all } = await searchNeighbours(asked.classTokens(), database.classTokens(), Math.min(k + 1, database.count));
    return asked.paths.map((path, row) => ({
      path,
      neighbours: Array.from(indices.subarray(row * all, (row + 1) * all), (index, i) => ({ path: database.paths[index]!, similarity: similarities[row * all + i]! }))
        .filter((one) => one.path !== path)
        .slice(0, k),
    }));
  } finally {
    await Promise.all([database.close(), asked.close()]);
  }
}

async function byPatch(look: Looking, queries: ImageSource, data: ImageSource, k: number, [x, y]: readonly number[]): Promise<Answer> {
  const outputs = { classTokens: 0, patchTokens: [look.subject.config.depth - 1] };
  const asked = await look.table(outputs, queries);
  const database = await look.table(outputs, data);
  try {
    const tokens = await asked.patchTokens(0);
    const [, rows, columns, width] = tokens.shape as readonly [number, number, number, number];
    const place = [Math.min(columns - 1, Math.floor(x! * columns)), Math.min(rows - 1, Math.floor(y! * rows))] as const;
    const at = (place[1] * columns + place[0]) * width;
    const path = asked.paths[0]!;
    const nearest = await nearestPatches(tokens.data.slice(at, at + width), database);
    return { path, patch: place, neighbours: nearest.filter((one) => one.path !== path).slice(0, k) };
  } finally {
    await Promise.all([database.close(), asked.close()]);
  }
}
