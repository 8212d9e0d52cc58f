import { photograph } from '@dinov2/app-kit';
import { type Features, searchNeighbours } from '@dinov2/evaluation';
import type { Reading } from '../evaluate/images';
import { clsFeatures, type KnnEvaluation } from '../evaluate/knn-evaluation';
import type { Backbone, FeatureModel } from '../evaluate/feature-model';

interface Neighbour {
  readonly image: string;
  readonly label: string;
  readonly similarity: number;
}

/** A held-out picture and its nearest training pictures by class token. */
export interface NeighbourRow {
  readonly image: string;
  readonly label: string;
  readonly before: readonly Neighbour[];
  readonly after: readonly Neighbour[];
}

const SIDE = 96;

/** Neighbours of one held-out picture for each of `count` labels, spread evenly over the labels. */
export async function neighbourGallery(
  model: FeatureModel,
  backbones: { readonly before: Backbone; readonly after: Backbone },
  evaluation: KnnEvaluation,
  reading: Reading,
  { count = 8, neighbours = 5 } = {},
): Promise<NeighbourRow[]> {
  const { folder, train, heldout, trainLabels, heldoutLabels } = evaluation;
  const k = Math.min(neighbours, train.indices.length);
  const queries = spread(heldoutLabels, count);
  const find = async (backbone: Backbone) => {
    const all = await clsFeatures(model, backbone, heldout);
    return searchNeighbours(rows(all, queries), await clsFeatures(model, backbone, train), k);
  };
  const found = { before: await find(backbones.before), after: await find(backbones.after) };
  const gallery = (side: 'before' | 'after', query: number) =>
    Promise.all(
      Array.from({ length: k }, async (_, i) => {
        const row = found[side].indices[query * k + i]!;
        return {
          image: await photograph(folder.train.paths[train.indices[row]!]!, SIDE, reading),
          label: folder.classes[trainLabels[row]!]!,
          similarity: found[side].similarities[query * k + i]!,
        };
      }),
    );
  return Promise.all(
    queries.map(async (query, i) => ({
      image: await photograph(folder.heldout.paths[heldout.indices[query]!]!, SIDE, reading),
      label: folder.classes[heldoutLabels[query]!]!,
      before: await gallery('before', i),
      after: await gallery('after', i),
    })),
  );
}

/** Positions of `count` entries with different labels: the middle one of every n-th label. */
function spread(labels: Int32Array, count: number): number[] {
  const byLabel = new Map<number, number[]>();
  labels.forEach((label, i) => byLabel.set(label, [...(byLabel.get(label) ?? []), i]));
  const groups = [...byLabel.entries()].sort(([a], [b]) => a - b).map(([, places]) => places);
  const step = Math.max(1, groups.length / count);
  return Array.from({ length: Math.min(count, groups.length) }, (_, i) => {
    const places = groups[Math.floor(i * step)]!;
    return places[places.length >> 1]!;
  });
}

function rows({ data, shape }: Features, wanted: readonly number[]): Features {
  const columns = shape[1]!;
  const picked = new Float32Array(wanted.length * columns);
  wanted.forEach((row, i) => picked.set(data.subarray(row * columns, (row + 1) * columns), i * columns));
  return { data: picked, shape: [wanted.length, columns] };
}
