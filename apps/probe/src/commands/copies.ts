import { join } from 'node:path';
import { pickEngine } from '@dinov2/app-kit';
import { alignment, effectiveRank, type Features, featureStd, nearDuplicates, rankMe, searchNeighbours, uniformity } from '@dinov2/evaluation';
import type { Extractor } from '@dinov2/features';
import { createRandom } from '@dinov2/primitives';
import { evaluate } from '../evaluate';
import type { EvaluationOptions } from '../inputs/common';
import { sampleFolder } from '../inputs/defaults';
import { tableOf } from '../inputs/extract';
import { openPictures } from '../inputs/picture-data';
import { randomCrops } from '../inputs/random-crops';
import { withSearchProgress } from '../inputs/search-progress';
import type { Subject } from '../inputs/subjects';
import { queryGallery } from '../report/query-gallery';
import { writeText } from '../results/files';

export interface CopiesOptions extends EvaluationOptions {
  /** Least cosine of what is called a copy. */
  readonly threshold: number;
  /** Neighbours of each picture in the report. */
  readonly k: number;
  /** Pictures of which two augmented views are compared. */
  readonly views: number;
}

/** Rows that measures take which grow with the square of them. */
const MOST_ROWS = 5000;
/** Rows that RankMe's authors use. */
const RANK_ROWS = 25_600;
/** Share of a picture's area in an augmented view: that of DINOv2's global crops. */
const SCALE = [0.32, 1] as const;
const BATCH = 16;
const SHOWN = 24;

/** Checks that need no labels: near copies, and how features fill their space. */
export async function copiesCommand(options: CopiesOptions): Promise<void> {
  const { threshold, k, views, seed, autoOrient } = options;
  const path = options.data ?? sampleFolder();
  const source = openPictures(path);
  const { engine } = await pickEngine(options);
  await evaluate(options, async () => ({
    command: 'copies',
    data: { path, images: source.paths.length },
    settings: { threshold, k, views, viewScale: [...SCALE], feature: 'class token of the last block' },
    async measure(subject, say) {
      const extractor = await subject.open({ classTokens: 1 });
      try {
        const table = await tableOf(extractor, source, 'images', options);
        const features = table.classTokens();
        const { paths } = table;
        await table.close();
        // Every picture is its own nearest, or an exact copy of it is.
        const most = Math.min(k + 1, paths.length);
        const found = await withSearchProgress(`${subject.name}, search`, (onProgress) => searchNeighbours(features, features, most, { engine, onProgress }));
        const { indices, similarities } = found;
        const neighbours = paths.map((_, row) =>
          Array.from({ length: most }, (_n, i) => ({ row: indices[row * most + i]!, similarity: similarities[row * most + i]! }))
            .filter((one) => one.row !== row)
            .slice(0, k),
        );
        const pairs = nearDuplicates(found, threshold).map(({ first, second, similarity }) => ({ a: paths[first]!, b: paths[second]!, similarity }));
        const nearest = neighbours.flatMap(([first]) => (first === undefined ? [] : [first.similarity])).sort((a, b) => a - b);
        say(`two augmented views of ${Math.min(views, paths.length)} pictures, then the rank of ${Math.min(paths.length, RANK_ROWS)} rows`);
        const [a, b] = await twoViews(extractor, subject, paths, { views, seed, autoOrient });
        return {
          metrics: {
            'near copies': pairs.length,
            'median cosine to the nearest': nearest[nearest.length >> 1] ?? null,
            RankMe: rankMe(someRows(features, RANK_ROWS)),
            'effective rank': effectiveRank(someRows(features, RANK_ROWS)),
            'feature std': featureStd(features),
            'alignment of views': alignment(a, b),
            uniformity: uniformity(someRows(features, MOST_ROWS)),
          },
          gallery: () => galleryOf(neighbours, paths, threshold, options),
          write: async (folder) => void writeText(join(folder, 'copies.json'), `${JSON.stringify(pairs, null, 2)}\n`),
        };
      } finally {
        await extractor.dispose();
      }
    },
  }));
  await engine.dispose();
}

type Neighbour = { readonly row: number; readonly similarity: number };

/** Pictures with their nearest, those with the most similar ones first. */
function galleryOf(neighbours: readonly (readonly Neighbour[])[], paths: readonly string[], threshold: number, options: CopiesOptions) {
  const rows = paths
    .map((path, row) => ({ path, list: neighbours[row]! }))
    .sort((a, b) => (b.list[0]?.similarity ?? -1) - (a.list[0]?.similarity ?? -1))
    .slice(0, SHOWN)
    .map(({ path, list }) => ({
      path,
      caption: 'picture',
      found: list.map(({ row, similarity }) => ({ path: paths[row]!, caption: similarity.toFixed(3), ...(similarity >= threshold && { right: true }) })),
    }));
  return queryGallery('Nearest neighbours', `The ${rows.length} pictures that have the most similar others, each with its nearest and their cosine; green is ${threshold} or more, a near copy.`, rows, options);
}

/** Class tokens of two augmented views of some pictures, row by row. */
async function twoViews(extractor: Extractor, { preprocessing }: Subject, paths: readonly string[], { views, seed, autoOrient }: { views: number; seed: number; autoOrient?: boolean }): Promise<[Features, Features]> {
  const random = createRandom(seed).fork('views');
  const count = Math.min(views, paths.length);
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * paths.length) / count));
  const parts: [Float32Array[], Float32Array[]] = [[], []];
  for (let first = 0; first < count; first += BATCH) {
    const members = chosen.slice(first, first + BATCH);
    for (const side of [0, 1] as const) {
      const images = await randomCrops({ paths: members.map((i) => paths[i]!) }, members.map((i) => random.fork(i * 2 + side)), preprocessing, { scale: SCALE, autoOrient });
      parts[side].push((await extractor.extract(images)).classTokens.data);
    }
  }
  const join = (list: readonly Float32Array[]): Features => {
    const data = Float32Array.from(list.flatMap((part) => Array.from(part)));
    return { data, shape: [count, data.length / count] };
  };
  return [join(parts[0]), join(parts[1])];
}

/** Up to `most` rows, evenly spread. */
function someRows({ data, shape }: Features, most: number): Features {
  const [rows, columns] = shape as readonly [number, number];
  if (rows <= most) return { data, shape };
  const picked = new Float32Array(most * columns);
  for (let i = 0; i < most; i++) {
    const row = Math.floor((i * rows) / most);
    picked.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  }
  return { data: picked, shape: [most, columns] };
}
