import { signal } from '@preact/signals';
import { pictureUrl, type PictureWidth } from './api';

const MOST = 3000;
const AT_ONCE = 6;

type Entry = HTMLImageElement | 'waiting' | 'failed';

const held = new Map<string, Entry>();
const queue: { key: string; url: string }[] = [];
let loading = 0;

/** Changes when a picture arrives. */
export const pictureArrived = signal(0);

/** The picture if it is here; it is asked for if not. Asked last, loaded first. */
export function pictureOf(model: number, image: number, width: PictureWidth): HTMLImageElement | undefined {
  void pictureArrived.value;
  const key = `${model}:${image}:${width}`;
  const found = held.get(key);
  if (found instanceof HTMLImageElement) return found;
  if (found === undefined) {
    held.set(key, 'waiting');
    queue.push({ key, url: pictureUrl(model, image, width) });
    next();
  }
  return undefined;
}

function next(): void {
  while (loading < AT_ONCE && queue.length > 0) {
    const { key, url } = queue.pop()!;
    loading++;
    const element = new Image();
    element.src = url;
    element.decode().then(
      () => arrive(key, element),
      () => arrive(key, 'failed'),
    );
  }
}

let told = false;

function arrive(key: string, entry: Entry): void {
  loading--;
  held.set(key, entry);
  if (held.size > MOST) for (const [oldest, value] of held) {
    if (value instanceof HTMLImageElement) {
      held.delete(oldest);
      break;
    }
  }
  next();
  // Many arrive between two frames.
  if (told) return;
  told = true;
  requestAnimationFrame(() => {
    told = false;
    pictureArrived.value++;
  });
}
