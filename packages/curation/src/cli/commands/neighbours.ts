import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { preprocess } from '@dinov2/data';
import { parse } from 'yaml';
import { CurationError } from '../../error';
import { openExtractor } from '../../plan/choose-weights';
import { runFiles } from '../../plan/run-files';
import { embedSchema } from '../../plan/schema';
import { numbers, readTable, strings } from '../../tables';
import { memoryVectors } from '../../vectors/memory-vectors';
import { openNpy } from '../../vectors/open-npy';
import type { Vectors } from '../../vectors/vectors';
import { tableOf } from '../table';
import { findRun } from './find-run';
import { nearestInRun } from './nearest-in-run';

interface NeighboursOptions {
  readonly k: number;
  readonly all: boolean;
  readonly json: boolean;
}

/** `dinov2-curate neighbours` */
export async function neighboursCommand(named: string, pictures: readonly string[], { k, all, json }: NeighboursOptions): Promise<void> {
  const run = findRun(named);
  const vectors = await openNpy(join(run, runFiles.vectors));
  try {
    const queries = await embedded(run, pictures, vectors);
    const table = await readTable(join(run, runFiles.images), ['path', 'set', 'role', 'offset']);
    const [paths, sets, roles] = [strings(table, 'path'), strings(table, 'set'), strings(table, 'role')];
    const offsets = numbers(table, 'offset');
    // Sources are numbered first.
    const sources = roles.filter((role) => role === 'source').length;
    const found = await nearestInRun(run, vectors, queries, { k, images: all ? vectors.rows : sources });
    const answers = pictures.map((picture, i) => ({
      picture,
      neighbours: found[i]!.map(({ id, similarity }) => ({ id, similarity: Number(similarity.toFixed(4)), set: sets[id]!, path: paths[id]!, ...(offsets[id] !== null && { offset: offsets[id] }) })),
    }));
    if (json) {
      console.log(JSON.stringify(answers, null, 2));
      return;
    }
    for (const { picture, neighbours } of answers) {
      console.log(`${picture}\n${tableOf(['cosine', 'id', 'set', 'path'], neighbours.map(({ similarity, id, set, path }) => [similarity.toFixed(4), String(id), set, path]))}`);
    }
  } finally {
    await vectors.close();
  }
}

/** Vectors of pictures, or of images of the run where a number is given, one row each. */
async function embedded(run: string, pictures: readonly string[], vectors: Vectors): Promise<Vectors> {
  const { columns } = vectors;
  const rows = new Float32Array(pictures.length * columns);
  const files = pictures.filter((picture) => !isNumber(picture));
  const missing = files.find((picture) => !existsSync(picture));
  if (missing !== undefined) throw new CurationError(`no picture at ${missing}; pass files, or numbers of images below ${vectors.rows}`);
  const embed = embedSchema.parse((parse(readFileSync(join(run, runFiles.plan), 'utf8')) as { embed: unknown }).embed);
  const extractor = files.length === 0 ? undefined : await openExtractor(embed.weights ?? 'pixels', embed);
  try {
    for (const [i, picture] of pictures.entries()) {
      if (isNumber(picture)) rows.set(await vectors.gather(Uint32Array.of(Number(picture))), i * columns);
      else {
        const image = await preprocess(picture, extractor!.preprocessing, { autoOrient: embed.autoOrient });
        rows.set((await extractor!.extract(image)).classTokens.data, i * columns);
      }
    }
  } finally {
    await extractor?.dispose();
  }
  return memoryVectors(rows, columns);
}

const isNumber = (word: string) => /^\d+$/.test(word) && !existsSync(word);
