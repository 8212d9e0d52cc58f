import { decodeImage, preprocess } from '@dinov2/data';
import type { Extractor } from '@dinov2/features';
import { joinNeighbours } from '../../neighbours/join-neighbours';
import { unitRows } from '../../vectors/unit-rows';
import type { StepKind } from '../schema';
import type { StepWork } from '../step';
import { makeCopies } from './made-copies';
import { pictureFiles } from './picture-bytes';

/** A threshold, and where it comes from. */
export interface ChosenThreshold {
  readonly threshold: number;
  readonly thresholdReason: string;
}

/** The paper's thresholds, for embeddings that were trained to find copies. */
const paper = { self: 0.6, relative: 0.45 };
/** Pictures of which copies are made. */
const SAMPLE = 64;
/** Of the copies, how many are to be found. */
const FOUND = 0.9;
/** More copies than a picture usually has: the similarity of its neighbour of this rank is one of different pictures. */
const RANK = 10;
/** Of the pictures, how many have no such neighbour above the threshold. */
const ALONE = 0.95;

/**
 * The threshold that was asked for; for `auto` one for these embeddings. Cosines of a network that was not trained to
 * tell copies are all high, and the paper's 0.6 would join everything: so copies are made of some pictures (compressed,
 * made smaller, cut, brightened), and the threshold finds nine of ten of them, but is no lower than where one picture in
 * twenty would have ten neighbours.
 */
export async function chooseThreshold(work: StepWork<'selfDeduplicate' | 'relativeDeduplicate'>, kind: 'self' | 'relative'): Promise<ChosenThreshold> {
  const asked = work.settings.threshold;
  if (asked !== 'auto') return { threshold: asked, thresholdReason: 'asked for' };
  const within = kind === 'self' ? undefined : work.before.findLast(({ threshold }) => threshold !== undefined);
  if (within !== undefined) return { threshold: relativeTo(within.threshold!), thresholdReason: `as the paper's 0.45 is to 0.6, to the ${within.threshold} of ${within.name}` };
  const { ids, vectors, random } = work;
  if (ids.length <= RANK) return { threshold: paper[kind], thresholdReason: 'of the paper: too few images to measure one' };
  const sample = random.fork('threshold').permutation(ids.length).slice(0, SAMPLE).sort((a, b) => a - b);
  const chosen = Uint32Array.from(sample, (row) => ids[row]!);
  const copies = quantile(await similaritiesOfCopies(work, chosen), 1 - FOUND);
  const pool = vectors(ids);
  const join = await joinNeighbours(vectors(chosen), pool, { engine: await work.engine(), k: RANK + 1, threshold: -Infinity, method: 'exact' });
  const others: number[] = [];
  try {
    const ranks = new Map<number, number>();
    for await (const { count, from, similarity } of join.edges()) {
      for (let i = 0; i < count; i++) {
        const rank = (ranks.get(from[i]!) ?? 0) + 1;
        ranks.set(from[i]!, rank);
        // The first is the picture itself.
        if (rank === RANK + 1) others.push(similarity[i]!);
      }
    }
  } finally {
    await join.close();
  }
  const different = quantile(others, ALONE);
  const self = Math.max(paper.self, copies, different);
  const reason =
    self === paper.self ? 'of the paper: copies made of some pictures are more alike than that'
    : self === copies ? `nine of ten copies made of ${chosen.length} pictures are more alike`
    : `below it one picture in twenty has ten neighbours; nine of ten made copies are above ${copies.toFixed(3)}`;
  const measured = round(Math.min(self, 0.995));
  return kind === 'self' ? { threshold: measured, thresholdReason: reason } : { threshold: relativeTo(measured), thresholdReason: `as the paper's 0.45 is to 0.6, to ${measured}: ${reason}` };
}

/** Stricter in the paper's proportion of distances: 0.45 where copies within are sought at 0.6. */
const relativeTo = (self: number): number => round(1 - ((1 - self) * (1 - paper.relative)) / (1 - paper.self));

const round = (cosine: number): number => Number(cosine.toFixed(4));

/** Cosines between pictures and the copies made of them. */
async function similaritiesOfCopies({ images, plan, vectors, extractor }: StepWork<StepKind>, chosen: Uint32Array): Promise<number[]> {
  const network = await extractor();
  const files = await pictureFiles(images);
  const originals = await vectors(chosen).read(0, chosen.length);
  const width = images.vectors.columns;
  unitRows(originals, { columns: width, first: 0, name: 'embeddings' });
  const found: number[] = [];
  for (const [i, id] of chosen.entries()) {
    const original = await decodeImage(await files.input(id), { autoOrient: plan.embed.autoOrient });
    for (const copy of await makeCopies(original)) {
      const embedding = await embed(network, copy);
      let product = 0;
      for (let d = 0; d < width; d++) product += originals[i * width + d]! * embedding[d]!;
      found.push(product);
    }
  }
  return found;
}

async function embed(extractor: Extractor, image: Parameters<typeof preprocess>[0]): Promise<Float32Array> {
  const { classTokens } = await extractor.extract(await preprocess(image, extractor.preprocessing));
  unitRows(classTokens.data, { columns: classTokens.data.length, first: 0, name: 'copies' });
  return classTokens.data;
}

/** The value that a share of the values is below. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
