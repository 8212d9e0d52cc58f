import { createRandom, type Random } from '@dinov2/primitives';
import { type BrokenKind, brokenKinds } from './broken';
import { concepts } from './concepts';
import { type JunkKind, junkKinds } from './draw-junk';
import { type EditKind, editKinds, type Format, formats } from './edits';

/** A file of the heap or of the evaluation set, before it is drawn. */
export interface PlannedFile {
  /** Below the heap's folder. */
  readonly path: string;
  readonly kind: 'original' | 'copy' | 'junk' | 'broken' | 'evaluation';
  /** Where it was found; empty for the evaluation set. */
  readonly source: string;
  /** Of a copy what was done to it, of junk and broken files what they are. */
  readonly variety: EditKind | JunkKind | BrokenKind | '';
  /** Empty for junk and broken files. */
  readonly concept: string;
  /** Of a copy the path that it was made of. */
  readonly of: string;
  /** Equal for files that show one picture. */
  readonly group: number;
  readonly format: Format;
  /** Label of the generator that draws it. */
  readonly draw: string;
}

/** Shares of the files of a heap. What is left are originals. */
export interface HeapShares {
  readonly copies: number;
  readonly junk: number;
  readonly broken: number;
  /** Copies of held-out pictures of the evaluation set. */
  readonly leaks: number;
}

export interface HeapPlan {
  readonly files: readonly PlannedFile[];
  readonly evaluation: readonly PlannedFile[];
}

export interface HeapSettings {
  readonly count: number;
  readonly seed: number;
  /** The k-th most frequent concept is k^−zipf as frequent as the first. */
  readonly zipf: number;
  readonly shares: HeapShares;
  /** Labelled pictures of each concept, to vote and to be judged. */
  readonly evaluationTrain: number;
  readonly evaluationHeldout: number;
}

/** Sources differ in what they are full of. */
const sources: readonly { readonly name: string; readonly share: number; readonly copies: number; readonly junk: number; readonly formats: readonly Format[] }[] = [
  { name: 'crawl', share: 0.45, copies: 1, junk: 1.6, formats: ['jpeg', 'jpeg', 'jpeg', 'png', 'webp'] },
  { name: 'mirror', share: 0.25, copies: 2.2, junk: 0.6, formats: ['jpeg', 'jpeg', 'webp'] },
  { name: 'forum', share: 0.2, copies: 0.8, junk: 1, formats: ['jpeg', 'png'] },
  { name: 'album', share: 0.1, copies: 0.1, junk: 0.1, formats: ['jpeg'] },
];

/**
 * What files a heap has: a long tail of concepts, copies in groups of very different sizes (one of a twentieth of the
 * heap), junk, broken files and leaks. The evaluation set has as many pictures of every concept.
 */
export function planHeap({ count, seed, zipf, shares, evaluationTrain, evaluationHeldout }: HeapSettings): HeapPlan {
  const random = createRandom(seed).fork('heap plan');
  const counts = {
    copies: Math.round(count * shares.copies),
    junk: Math.round(count * shares.junk),
    broken: Math.round(count * shares.broken),
    leaks: Math.round(count * shares.leaks),
  };
  const originals = count - counts.copies - counts.junk - counts.broken - counts.leaks;
  const names = fileNames(random.fork('names'));
  const place = (kind: 'copies' | 'junk' | 'other', format?: Format): Pick<PlannedFile, 'path' | 'source' | 'format'> => {
    const source = drawSource(random, kind);
    const chosen = format ?? source.formats[random.integer(source.formats.length)]!;
    return { path: `images/${source.name}/${names()}.${formats[chosen]}`, source: source.name, format: chosen };
  };

  const evaluation = concepts.flatMap(({ name }) =>
    [...Array.from({ length: evaluationTrain }, () => 'train'), ...Array.from({ length: evaluationHeldout }, () => 'heldout')].map(
      (split, i): PlannedFile => {
        const path = `evaluation/${split}/${name}/${String(i).padStart(3, '0')}.jpg`;
        return { path, kind: 'evaluation', source: '', variety: '', concept: name, of: '', group: 0, format: 'jpeg', draw: path };
      },
    ),
  ).map((file, group) => ({ ...file, group }));
  let group = evaluation.length;

  const files: PlannedFile[] = [];
  const drawConcept = conceptDraw(zipf, random.fork('frequency'));
  for (let i = 0; i < originals; i++) {
    const concept = concepts[drawConcept()]!.name;
    files.push({ ...place('other'), kind: 'original', variety: '', concept, of: '', group: group++, draw: `original ${i}` });
  }
  const copy = (of: PlannedFile, variety: EditKind, i: string) => {
    files.push({ ...place('copies', variety === 'exact' ? of.format : undefined), kind: 'copy', variety, concept: of.concept, of: of.path, group: of.group, draw: i });
  };
  copyGroups(counts.copies, count, random).forEach((size, g) => {
    const of = files[random.integer(originals)]!;
    for (let i = 0; i < size; i++) {
      // The largest group is one file over and over, as a placeholder or a logo is.
      const variety = g === 0 || random.uniform() < 0.35 ? 'exact' : editKinds[1 + random.integer(editKinds.length - 1)]!;
      copy(of, variety, `copy ${g} ${i}`);
    }
  });
  const heldout = evaluation.filter(({ path }) => path.startsWith('evaluation/heldout/'));
  for (let i = 0; i < counts.leaks && heldout.length > 0; i++) {
    copy(heldout[random.integer(heldout.length)]!, editKinds[random.integer(editKinds.length)]!, `leak ${i}`);
  }
  for (let i = 0; i < counts.junk; i++) {
    files.push({ ...place('junk'), kind: 'junk', variety: junkKinds[random.integer(junkKinds.length)]!, concept: '', of: '', group: group++, draw: `junk ${i}` });
  }
  for (let i = 0; i < counts.broken; i++) {
    files.push({ ...place('other', 'jpeg'), kind: 'broken', variety: brokenKinds[random.integer(brokenKinds.length)]!, concept: '', of: '', group: group++, draw: `broken ${i}` });
  }
  return { files, evaluation };
}

/** Sizes that add up to `total`: eight large groups, the first a twentieth of the heap, and many small ones. */
function copyGroups(total: number, count: number, random: Random): number[] {
  const sizes: number[] = [];
  let left = total;
  const add = (size: number) => {
    const taken = Math.min(left, size);
    if (taken > 0) sizes.push(taken);
    left -= taken;
  };
  for (let rank = 1; rank <= 8; rank++) add(Math.round(count / 20 / rank));
  // P(size ≥ s) = s^−1.3: most have one copy, some dozens.
  while (left > 0) add(Math.min(60, Math.floor((1 - random.uniform()) ** (-1 / 1.3))));
  return sizes;
}

/** Draws the number of a concept. Pages are the most frequent, as in a crawl; for the rest the seed alone decides. */
function conceptDraw(zipf: number, random: Random): () => number {
  const mixed = [...random.permutation(concepts.length)];
  const isPage = (concept: number) => concepts[concept]!.kind === 'page';
  const order = [...mixed.filter(isPage), ...mixed.filter((concept) => !isPage(concept))];
  const cumulative: number[] = [];
  order.forEach((_, rank) => cumulative.push((cumulative.at(-1) ?? 0) + (rank + 1) ** -zipf));
  const total = cumulative.at(-1)!;
  return () => {
    const at = random.uniform(0, total);
    return order[cumulative.findIndex((sum) => at < sum)]!;
  };
}

function drawSource(random: Random, kind: 'copies' | 'junk' | 'other') {
  const weights = sources.map((source) => source.share * (kind === 'other' ? 1 : source[kind]));
  let at = random.uniform(0, weights.reduce((a, b) => a + b));
  return sources[Math.max(0, weights.findIndex((weight) => (at -= weight) < 0))]!;
}

/** Names that say nothing, all different. */
function fileNames(random: Random): () => string {
  const given = new Set<string>();
  return () => {
    for (;;) {
      const name = random.bits().toString(16).padStart(8, '0');
      if (given.has(name)) continue;
      given.add(name);
      return name;
    }
  };
}
