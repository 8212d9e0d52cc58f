import { exportStage } from './export';
import { folderOrder } from './neighbours';
import { chosenPatch, choosePatch, clearPatch, focus, folderAs, lead, mode, modes, models, openImage, page, place } from './state';
import { toggleTheme } from './theme';
import { helpOpen } from './components/help';

const steps: Readonly<Record<string, readonly [x: number, y: number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What keys do anywhere in the page, but in fields. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement || helpOpen.value || page.value !== 'explore') return;
    if (act(event.key)) event.preventDefault();
  });
}

function act(key: string): boolean {
  const step = steps[key];
  if (step !== undefined) return movePatch(step);
  const chosen = modes[Number(key) - 1];
  if (chosen !== undefined) mode.value = chosen.mode;
  else if (key === 'Escape') clearPatch();
  else if (key === 'n') turn(1);
  else if (key === 'p') turn(-1);
  else if (key === 'm') folderAs.value = folderAs.value === 'grid' ? 'map' : 'grid';
  else if (key === 'e') void exportStage();
  else if (key === 't') toggleTheme();
  else if (key === '?') helpOpen.value = true;
  else return false;
  return true;
}

function movePatch([x, y]: readonly [number, number]): boolean {
  const from = chosenPatch(lead.value);
  if (from === undefined) return false;
  const { rows, columns } = models.value[lead.value]!;
  const column = Math.min(columns - 1, Math.max(0, (from % columns) + x));
  const row = Math.min(rows - 1, Math.max(0, Math.floor(from / columns) + y));
  choosePatch(lead.value, place.value!.image, row * columns + column);
  return true;
}

/** Open the next or previous picture of the folder. */
function turn(by: number): void {
  const list = folderOrder.value;
  const at = list.findIndex(({ image }) => image === focus.value);
  const next = list[at === -1 ? 0 : (at + by + list.length) % list.length];
  if (next !== undefined) openImage(next.image, false);
}
