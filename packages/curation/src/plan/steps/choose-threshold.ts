import { decodeImage, preprocess } from '@dinov2/data';
import type { Extractor } from '@dinov2/features';
import { joinNeighbours } from '../../neighbours/join-neighbours';
import { unitRows } from '../../vectors/unit-rows';
import type { StepKind } from '../schema';
import type { StepWork } from '../step';
import { makeCopies } from './made-copies';
import { measuredThreshold, OUTER_RANK } from './measured-threshold';
import { pictureFiles } from './picture-bytes';
import { roundCosine } from './round-cosine';

/** A threshold, and where it comes from. */
export interface ChosenThreshold {
  readonly threshold: number;
  readonly thresholdReason: string;
  /** Of a measured threshold: whether the embeddings tell copies from pictures that look alike. */
  readonly separable?: boolean;
  /** Of a measured threshold: share of the copies made of some pictures that it finds. */
  readonly copiesFound?: number;
}

/** The paper's thresholds, for embeddings that were trained to find copies. */
const paper = { self: 0.6, relative: 0.45 };
/** Pictures of which copies are made. */
const COPIED = 64;
/** Pictures whose neighbours are looked up. */
const SAMPLE = 1024;

/**
 * The threshold that was asked for; for `auto` one for these embeddings. Cosines of a network that was not trained to
 * tell copies are all high, and the paper's 0.6 would join everything: so copies are made of some pictures (compressed,
 * made smaller, cut, brightened), and compared with the pictures' neighbours by {@link measuredThreshold}. What was
 * chosen is said.
 */
export async function chooseThreshold(work: StepWork<'selfDeduplicate' | 'relativeDeduplicate'>, kind: 'self' | 'relative'): Promise<ChosenThreshold> {
  const chosen = await choose(work, kind);
  const text = `threshold ${chosen.threshold}: ${chosen.thresholdReason}`;
  if (chosen.separable === false) work.warn(text);
  else work.say(`  ${text}`);
  return chosen;
}

async function choose(work: StepWork<'selfDeduplicate' | 'relativeDeduplicate'>, kind: 'self' | 'relative'): Promise<ChosenThreshold> {
  const asked = work.settings.threshold;
  if (asked !== 'auto') return { threshold: asked, thresholdReason: 'asked for' };
  const within = kind === 'self' ? undefined : work.before.findLast(({ threshold }) => threshold !== undefined);
  if (within !== undefined) {
    const { name, threshold, separable } = within;
    const doubt = separable === false ? '; these embeddings do not tell copies from look-alikes, so of altered copies of held-out images many stay: embed with weights that were trained for longer, or set a threshold' : '';
    return { threshold: relativeTo(threshold!), thresholdReason: `as the paper's 0.45 is to 0.6, to the ${threshold} of ${name}${doubt}`, ...(separable !== undefined && { separable }) };
  }
  const { ids, random } = work;
  const drawn = random.fork('threshold').permutation(ids.length);
  const rows = (count: number) => Uint32Array.from(drawn.slice(0, count).sort((a, b) => a - b), (row) => ids[row]!);
  const copies = await similaritiesOfCopies(work, rows(COPIED));
  const { threshold, reason, ...measured } = measuredThreshold(copies, await nearestOf(work, rows(SAMPLE)), paper.self);
  return kind === 'self'
    ? { threshold, thresholdReason: reason, ...measured }
    : { threshold: relativeTo(threshold), thresholdReason: `as the paper's 0.45 is to 0.6, to ${threshold}: ${reason}`, ...measured };
}

/** Cosines of images to their nearest others, the nearest first. */
async function nearestOf({ ids, vectors, engine, progress, signal }: StepWork<StepKind>, chosen: Uint32Array): Promise<number[][]> {
  const advance = progress('pictures', 'neighbours of some');
  const join = await joinNeighbours(vectors(chosen), vectors(ids), {
    engine: await engine(),
    k: OUTER_RANK + 1,
    threshold: -Infinity,
    method: 'exact',
    ...(signal && { signal }),
    onProgress: ({ done, total }) => advance(done, total),
  });
  const found: number[][] = Array.from(chosen, () => []);
  try {
    for await (const { count, from, similarity } of join.edges()) {
      for (let i = 0; i < count; i++) found[from[i]!]!.push(similarity[i]!);
    }
  } finally {
    await join.close();
  }
  // The first is the image itself.
  return found.map((cosines) => cosines.slice(1));
}

/** Stricter in the paper's proportion of distances: 0.45 where copies within are sought at 0.6. */
const relativeTo = (self: number): number => roundCosine(1 - ((1 - self) * (1 - paper.relative)) / (1 - paper.self));

/** Cosines between pictures and the copies made of them. */
async function similaritiesOfCopies({ images, plan, vectors, extractor, progress, signal }: StepWork<StepKind>, chosen: Uint32Array): Promise<number[]> {
  const network = await extractor();
  const files = await pictureFiles(images);
  const originals = await vectors(chosen).read(0, chosen.length);
  const width = images.vectors.columns;
  unitRows(originals, { columns: width, first: 0, name: 'embeddings' });
  const found: number[] = [];
  const advance = progress('pictures', 'copies made of some');
  for (const [i, id] of chosen.entries()) {
    signal?.throwIfAborted();
    const original = await decodeImage(await files.input(id), { autoOrient: plan.embed.autoOrient });
    for (const copy of await makeCopies(original)) {
      const embedding = await embed(network, copy);
      let product = 0;
      for (let d = 0; d < width; d++) product += originals[i * width + d]! * embedding[d]!;
      found.push(product);
    }
    advance(i + 1, chosen.length);
  }
  return found;
}

async function embed(extractor: Extractor, image: Parameters<typeof preprocess>[0]): Promise<Float32Array> {
  const { classTokens } = await extractor.extract(await preprocess(image, extractor.preprocessing));
  unitRows(classTokens.data, { columns: classTokens.data.length, first: 0, name: 'copies' });
  return classTokens.data;
}
