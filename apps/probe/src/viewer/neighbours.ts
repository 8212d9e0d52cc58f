import { computed, effect } from '@preact/signals';
import { getNeighboursOfImage, getNeighboursOfPatch } from './api';
import { chosenPatch, focus, isReady, isSkipped, lead, neighbours, order, place, problem, progress, viewer } from './state';

export interface FolderEntry {
  readonly image: number;
  readonly similarity?: number;
  /** The patch that is most similar to the chosen one. */
  readonly patch?: number;
}

/** The folder's images in the order that is shown. */
export const folderOrder = computed<readonly FolderEntry[]>(() => {
  const list = neighbours.value;
  if (order.value === 'folder' || list === undefined) {
    return viewer.value!.names.flatMap((_, image) => (isSkipped(lead.value, image) ? [] : [{ image }]));
  }
  return list.images.map((image, i) => ({ image, similarity: list.similarities[i]!, ...(list.patches && { patch: list.patches[i]! }) }));
});

let latest = 0;

effect(() => {
  const model = lead.value;
  const turn = ++latest;
  if (order.value === 'folder' || !isReady(model)) {
    neighbours.value = undefined;
    return;
  }
  const image = focus.value;
  const chosen = place.value;
  if (order.value === 'image' && image === undefined) {
    order.value = 'folder';
    return;
  }
  const state = progress.peek()[model];
  // A search while images are still being taken in is done again when all are there.
  if (order.value === 'patch' && state?.status === 'ready' && state.searchable < state.count) void progress.value;
  const asked = order.value === 'patch' && chosen !== undefined ? getNeighboursOfPatch(model, chosen.image, chosenPatch(model)!) : image === undefined ? undefined : getNeighboursOfImage(model, image);
  asked?.then(
    (found) => turn === latest && (neighbours.value = found),
    (error: Error) => turn === latest && (problem.value = `The neighbours could not be found: ${error.message}.`),
  );
});
