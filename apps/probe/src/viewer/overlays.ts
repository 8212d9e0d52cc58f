import { computed, effect, signal } from '@preact/signals';
import { askColours } from './colour/ask-colours';
import { heatInRange, type Range, rangeOf } from './heat-colours';
import { similarities } from './similarity';
import { basis, chosenPatch, flip, head, mode, models, open, part, place, problem, query, sameScale, threshold } from './state';
import { attentionOf, tokensOf } from './token-cache';

/** Colours over a picture, one pixel for each patch. */
export interface Overlay {
  readonly rows: number;
  readonly columns: number;
  /** (rows · columns, 4) */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  /** (rows · columns,) what the colours stand for, where that is one number. */
  readonly values?: Float32Array;
}

export const overlayKey = (model: number, image: number) => `${model}:${image}`;

/** Of each weights and open image, the similarity of its patches to the chosen one. */
const openSimilarities = computed(() => {
  const chosen = place.value;
  return models.value.map((_, model) => {
    const found = new Map<number, Float32Array>();
    if (chosen === undefined) return found;
    const patch = chosenPatch(model)!;
    const from = tokensOf(model, chosen.image);
    for (const image of open.value) {
      const to = tokensOf(model, image);
      if (from !== undefined && to !== undefined) found.set(image, similarities(from, patch, to));
    }
    return found;
  });
});

/** Of each weights, the range of similarities in the open images. */
const similarityRange = computed(() => openSimilarities.value.map((found) => rangeOf([...found.values()])));

/** Similarity of an image of the folder to the chosen patch, in the colours of the open ones. */
export function folderOverlay(model: number, image: number): Overlay | undefined {
  const chosen = place.value;
  if (chosen === undefined) return undefined;
  const from = tokensOf(model, chosen.image);
  const to = tokensOf(model, image);
  if (from === undefined || to === undefined) return undefined;
  const values = openSimilarities.value[model]!.get(image) ?? similarities(from, chosenPatch(model)!, to);
  return { ...grid(model), values, rgba: heatInRange(values, similarityRange.value[model]!) };
}

const grid = (model: number) => {
  const { rows, columns } = models.value[model]!;
  return { rows, columns };
};

/** (rows · columns,) attention of one head, or of their mean, to the patches of an image. */
export function headMap(model: number, image: number, wantedHead: number, wantedQuery: number): Float32Array | undefined {
  const all = attentionOf(model, image);
  if (all === undefined) return undefined;
  const { heads, registers, rows, columns } = models.value[model]!;
  const patches = rows * columns;
  const queries = 1 + registers;
  const of = (h: number) => {
    const start = (h * queries + Math.min(wantedQuery, registers)) * patches;
    return all.subarray(start, start + patches);
  };
  if (wantedHead >= 0) return of(Math.min(wantedHead, heads - 1));
  const mean = new Float32Array(patches);
  for (let h = 0; h < heads; h++) of(h).forEach((value, i) => (mean[i]! += value / heads));
  return mean;
}

/** Colours of principal components arrive from another thread. */
const pcaOverlays = signal<ReadonlyMap<string, Overlay>>(new Map());
export const colouring = signal(false);

interface Wanted {
  readonly model: number;
  readonly images: readonly number[];
}

/** The newest request; those in between are left out while one is being answered. */
let wanted: { readonly parts: readonly Wanted[] } | undefined;
let busy = false;

effect(() => {
  if (mode.value !== 'pca') return;
  const parts = models.value.flatMap((_, model) => {
    const images = open.value.filter((image) => tokensOf(model, image) !== undefined);
    return images.length === 0 ? [] : [{ model, images }];
  });
  // Read here, so that the colours follow the controls.
  void [basis.value, part.value, threshold.value, flip.value];
  wanted = { parts };
  void colour();
});

async function colour(): Promise<void> {
  if (busy) return;
  busy = true;
  colouring.value = true;
  try {
    while (wanted !== undefined) {
      const { parts } = wanted;
      wanted = undefined;
      const next = new Map<string, Overlay>();
      for (const { model, images } of parts) {
        const { rows, columns } = models.peek()[model]!;
        const colours = await askColours({
          images: images.flatMap((image) => {
            const tokens = tokensOf(model, image);
            return tokens === undefined ? [] : [{ values: tokens.values, scales: tokens.scales }];
          }),
          columns,
          joint: basis.peek() === 'joint',
          ...(part.peek() === 'foreground' && { foreground: { threshold: threshold.peek(), flip: flip.peek() } }),
        });
        images.forEach((image, i) => next.set(overlayKey(model, image), { rows, columns, rgba: colours[i]! }));
      }
      pcaOverlays.value = next;
    }
  } catch (error) {
    problem.value = `The colours could not be computed: ${(error as Error).message}`;
  } finally {
    busy = false;
    colouring.value = false;
  }
}

/** What is drawn over each open picture now. */
export const overlays = computed<ReadonlyMap<string, Overlay>>(() => {
  switch (mode.value) {
    case 'picture':
      return new Map();
    case 'pca':
      return pcaOverlays.value;
    case 'similarity':
      return inColours(openSimilarities.value, sameScale.value);
    case 'attention':
      return inColours(
        models.value.map((_, model) => {
          const found = new Map<number, Float32Array>();
          for (const image of open.value) {
            const values = headMap(model, image, head.value, query.value);
            if (values !== undefined) found.set(image, values);
          }
          return found;
        }),
        false, // a map sums to the same whatever the picture; what counts is where
      );
  }
});

function inColours(byModel: readonly ReadonlyMap<number, Float32Array>[], oneScale: boolean): Map<string, Overlay> {
  const result = new Map<string, Overlay>();
  byModel.forEach((found, model) => {
    const common: Range | undefined = oneScale ? rangeOf([...found.values()]) : undefined;
    for (const [image, values] of found) {
      result.set(overlayKey(model, image), { ...grid(model), values, rgba: heatInRange(values, common ?? rangeOf([values])) });
    }
  });
  return result;
}
