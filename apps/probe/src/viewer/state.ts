import { computed, signal } from '@preact/signals';
import type { ExtractionState, ModelState, NeighbourList, ViewerState } from '../view/protocol';

/** What is drawn over the open pictures. */
export type Mode = 'similarity' | 'pca' | 'attention' | 'picture';
export const modes: readonly { readonly mode: Mode; readonly name: string }[] = [
  { mode: 'similarity', name: 'Similarity' },
  { mode: 'pca', name: 'PCA' },
  { mode: 'attention', name: 'Attention' },
  { mode: 'picture', name: 'Picture' },
];

/** Pictures that can be open at once. */
const MOST_OPEN = 8;

export const viewer = signal<ViewerState | undefined>(undefined);
export const progress = signal<readonly ExtractionState[]>([]);
/** Something went wrong, in words. */
export const problem = signal('');

/** Whether the program that serves the page has gone. */
export const isLost = signal(false);

export const page = signal<'explore' | 'training'>('explore');
export const folderAs = signal<'grid' | 'map'>('grid');
export const mode = signal<Mode>('picture');
/** Numbers of open images. */
export const open = signal<readonly number[]>([]);
/** The open image that neighbours and heads are of. */
export const focus = signal<number | undefined>(undefined);
/** The place that was clicked: x, y within 0 … 1 of an image. Weights with patches of different sizes share it. */
export const place = signal<{ readonly image: number; readonly x: number; readonly y: number } | undefined>(undefined);

export const order = signal<'folder' | 'image' | 'patch'>('folder');
export const neighbours = signal<NeighbourList | undefined>(undefined);
/** Whose neighbours and map are shown. */
export const lead = signal(0);
/** Whether the similarities are drawn over the folder too. */
export const overFolder = signal(true);

export const opacity = signal<Readonly<Record<Mode, number>>>({ similarity: 0.75, pca: 1, attention: 0.75, picture: 0 });
export const smooth = signal(false);
/** Whether colours mean the same in all pictures. */
export const sameScale = signal(true);
export const basis = signal<'joint' | 'each'>('joint');
export const part = signal<'all' | 'foreground'>('all');
export const threshold = signal(0.5);
export const flip = signal(false);
/** −1 is the mean of all heads. */
export const head = signal(-1);
/** 0 is the class token, then the registers. */
export const query = signal(0);

/** Milliseconds from the last click to the picture that answers it. */
export const clickTime = signal<number | undefined>(undefined);

export const models = computed<readonly ModelState[]>(() => viewer.value?.models ?? []);
/** Images without features by one of the weights. */
const skipped = computed(() => progress.value.map((state) => new Set(state.status === 'ready' ? state.skipped.map(({ image }) => image) : [])));
export const isSkipped = (model: number, image: number) => skipped.value[model]?.has(image) ?? false;

export const isReady = (model: number) => progress.value[model]?.status === 'ready';

/** Open images that take part in what is shown. */
export function openImage(image: number, add: boolean): void {
  const { value } = open;
  if (add) {
    open.value = value.includes(image) ? value.filter((other) => other !== image) : [...value, image].slice(-MOST_OPEN);
  } else {
    open.value = [image];
  }
  focus.value = open.value.includes(image) ? image : open.value.at(-1);
  if (place.value !== undefined && !open.value.includes(place.value.image)) clearPatch();
}

export function closeImage(image: number): void {
  openImage(image, true);
}

let modeBefore: Mode = 'picture';

/** Number of the chosen patch for one of the weights, row-major. */
export function chosenPatch(model: number): number | undefined {
  if (place.value === undefined) return undefined;
  const { rows, columns } = models.value[model]!;
  return Math.floor(place.value.y * rows) * columns + Math.floor(place.value.x * columns);
}

/** Choose a patch of an image by its number for one of the weights. */
export function choosePatch(model: number, image: number, patch: number): void {
  const { rows, columns } = models.value[model]!;
  if (mode.value !== 'similarity') {
    modeBefore = mode.value;
    mode.value = 'similarity';
  }
  focus.value = image;
  place.value = { image, x: ((patch % columns) + 0.5) / columns, y: (Math.floor(patch / columns) + 0.5) / rows };
}

export function clearPatch(): void {
  if (place.value === undefined) return;
  place.value = undefined;
  if (order.value === 'patch') order.value = 'folder';
  if (mode.value === 'similarity') mode.value = modeBefore;
}

export const shortName = (image: number): string => viewer.value?.names[image]?.split('/').at(-1) ?? '';
