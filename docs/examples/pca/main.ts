import { preprocessings } from '@dinov2/augment';
import { heat } from '@dinov2/evaluation';
import { Engine, EngineError } from './engine';
import { unpack } from './payload';
import { drawPicture, type Grid, gridFor, openPicture, pixelsOf } from './picture';
import type { ModelFacts, PatchFeatures, Side } from './protocol';
import { similarityTo } from './similarity';

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const input = byId<HTMLCanvasElement>('input');
const output = byId<HTMLCanvasElement>('output');
const resolution = byId<HTMLInputElement>('resolution');
const markers = [...document.querySelectorAll<HTMLElement>('.marker')];

interface Model {
  readonly file: Blob;
  readonly name: string;
  readonly normalization: { readonly mean: readonly [number, number, number]; readonly std: readonly [number, number, number] };
}

const packed = unpack();
let model: Model;
let engine: Engine | undefined;
let facts: ModelFacts | undefined;
let picture: { readonly bitmap: ImageBitmap; readonly name: string } | undefined;
let features: PatchFeatures | undefined;
let colours: Uint8ClampedArray<ArrayBuffer> | undefined;
let selected: number | undefined;

let running = Promise.resolve();
let latest = 0;

/** Do one thing after another; of computations asked for while one runs, only the last is done. */
function inTurn(work: () => Promise<void>): Promise<void> {
  const turn = ++latest;
  running = running.then(async () => {
    if (turn !== latest) return;
    document.documentElement.dataset['state'] = 'busy';
    byId('progress').hidden = false;
    try {
      await work();
      sayProblem('');
    } catch (error) {
      report(error);
    }
    byId('progress').hidden = true;
    if (turn === latest) document.documentElement.dataset['state'] = 'idle';
  });
  return running;
}

function report(error: unknown): void {
  let text = error instanceof Error ? error.message : String(error);
  if (error instanceof EngineError) {
    if (error.outOfMemory) {
      engine?.stop();
      engine = undefined; // its memory is in an unknown state; the next picture starts a new one
      text = `The browser ran out of memory for ${byId('grid').textContent}. Choose a lower resolution or a smaller model.`;
    } else {
      text = `“${model.name}” could not colour this picture: ${text}.`;
    }
  }
  sayProblem(text);
  byId('status').textContent = '';
}

function sayProblem(text: string): void {
  byId('problem').textContent = text;
  byId('problem').hidden = text === '';
}

async function startEngine(next: Model): Promise<void> {
  const { code, runtime } = await packed;
  byId('status').textContent = `Starting ${next.name} …`;
  let started;
  try {
    started = await Engine.start(code, runtime, next.file);
  } catch (error) {
    byId('status').textContent = '';
    if (error instanceof EngineError && error.outOfMemory) throw new Error(`The browser has too little memory for the model “${next.name}”.`, { cause: error });
    throw new Error(`“${next.name}” is not a model that this page can use: ${(error as Error).message}.`, { cause: error });
  }
  engine?.stop();
  ({ engine, facts } = started);
  model = next;
  resolution.disabled = facts.fixedSize !== undefined;
}

async function compute(): Promise<void> {
  if (picture === undefined) return;
  if (engine === undefined) await startEngine(model);
  layOut();
  byId('status').textContent = 'Computing …';
  const { width, height } = input;
  features = await engine!.ask('features', { pixels: pixelsOf(input, model.normalization), height, width });
  selected = undefined;
  await colour();
  byId('status').textContent = `${duration(features.milliseconds)} for ${width} × ${height} pixels in patches of ${facts!.patchSize}, on one thread`;
  byId<HTMLButtonElement>('save').disabled = false;
}

async function colour(): Promise<void> {
  if (features === undefined) return;
  ({ rgba: colours } = await engine!.ask('colours', { side: chosenSide() }));
  show();
}

/** Give the canvases the size that the picture and the resolution ask for, and draw the picture. */
function layOut(): void {
  const { bitmap, name } = picture!;
  const { rows, columns } = chosenGrid(bitmap, facts!);
  input.width = columns * facts!.patchSize;
  input.height = rows * facts!.patchSize;
  drawPicture(input, bitmap);
  const stage = byId('stage');
  stage.style.setProperty('--aspect', String(columns / rows));
  stage.classList.toggle('wide', columns / rows > 2.2);
  byId('input-caption').textContent = name;
  sayResolution();
}

/** The grid that the slider asks for, or the only one that the model takes. */
function chosenGrid(bitmap: ImageBitmap, { patchSize, fixedSize }: ModelFacts): Grid {
  return fixedSize
    ? { rows: fixedSize.height / patchSize, columns: fixedSize.width / patchSize }
    : gridFor(bitmap, resolution.valueAsNumber);
}

function sayResolution(): void {
  if (picture === undefined || facts === undefined) return;
  const { rows, columns } = chosenGrid(picture.bitmap, facts);
  byId('grid').textContent = `${columns} × ${rows} patches`;
}

/** Paint the colours, or the similarities to the selected patch. */
function show(): void {
  const { rows, columns } = features!;
  output.width = columns;
  output.height = rows;
  const rgba = selected === undefined ? colours! : similarities(selected);
  output.getContext('2d')!.putImageData(new ImageData(rgba, columns, rows), 0, 0);
  byId('output-caption').textContent =
    selected === undefined
      ? { all: 'Principal components', foreground: 'Principal components of the foreground', background: 'Principal components of the background' }[chosenSide()]
      : `Similarity to patch ${(selected % columns) + 1}, ${Math.floor(selected / columns) + 1} (light: alike)`;
  byId('clear').hidden = selected === undefined;
  for (const marker of markers) {
    marker.hidden = selected === undefined;
    if (selected === undefined) continue;
    marker.style.left = `${(100 * (selected % columns)) / columns}%`;
    marker.style.top = `${(100 * Math.floor(selected / columns)) / rows}%`;
    marker.style.width = `${100 / columns}%`;
    marker.style.height = `${100 / rows}%`;
  }
}

function similarities(patch: number): Uint8ClampedArray<ArrayBuffer> {
  const rgb = heat(similarityTo(patch, features!));
  return Uint8ClampedArray.from({ length: (rgb.length / 3) * 4 }, (_, i) => (i % 4 === 3 ? 255 : rgb[(i >> 2) * 3 + (i % 4)]!));
}

function select(patch: number | undefined): void {
  if (features === undefined) return;
  selected = patch;
  show();
}

function chosenSide(): Side {
  return document.querySelector<HTMLInputElement>('input[name=side]:checked')!.value as Side;
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function usePicture(file: Blob, name: string): void {
  void inTurn(async () => {
    picture = { bitmap: await openPicture(file, name), name };
    await compute();
  });
}

function useFile(file: File | undefined | null): void {
  if (!file) return;
  if (!file.name.toLowerCase().endsWith('.onnx')) return usePicture(file, file.name || 'pasted picture');
  void inTurn(async () => {
    await startEngine({ file, name: file.name, normalization: preprocessings.dinov2 });
    byId('about').textContent = `Model: ${file.name}, yours, with ImageNet's normalisation.`;
    await compute();
  });
}

async function useExample(): Promise<void> {
  const { example } = await packed;
  usePicture(example, 'Example');
}

for (const id of ['picture-file', 'model-file']) {
  const chooser = byId<HTMLInputElement>(id);
  chooser.addEventListener('change', () => {
    useFile(chooser.files?.[0]);
    chooser.value = ''; // so that the same file can be chosen again
  });
}
byId('example').addEventListener('click', () => void useExample());
byId('sides').addEventListener('change', () => {
  selected = undefined;
  void inTurn(colour);
});
resolution.addEventListener('input', sayResolution);
resolution.addEventListener('change', () => void inTurn(compute));
byId('clear').addEventListener('click', () => select(undefined));
addEventListener('paste', ({ clipboardData }) => useFile(clipboardData?.files[0]));

let entered = 0; // drag events come from every element on the way
const dropping = (change: number) => {
  entered = change === 0 ? 0 : entered + change;
  document.body.classList.toggle('dropping', entered > 0);
};
addEventListener('dragenter', () => dropping(1));
addEventListener('dragleave', () => dropping(-1));
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  dropping(0);
  useFile(event.dataTransfer?.files[0]);
});

for (const canvas of [input, output]) {
  canvas.addEventListener('click', ({ offsetX, offsetY }) => {
    if (features === undefined) return;
    const { rows, columns } = features;
    const column = Math.min(columns - 1, Math.floor((offsetX / canvas.clientWidth) * columns));
    const row = Math.min(rows - 1, Math.floor((offsetY / canvas.clientHeight) * rows));
    select(row * columns + column);
  });
  canvas.addEventListener('keydown', (event) => {
    if (features === undefined) return;
    if (event.key === 'Escape') return select(undefined);
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const { rows, columns } = features;
    const from = selected ?? Math.floor(rows / 2) * columns + Math.floor(columns / 2);
    const column = Math.min(columns - 1, Math.max(0, (from % columns) + step[0]!));
    const row = Math.min(rows - 1, Math.max(0, Math.floor(from / columns) + step[1]!));
    select(row * columns + column);
  });
}

byId('save').addEventListener('click', () => {
  const large = document.createElement('canvas');
  large.width = input.width;
  large.height = input.height;
  const context = large.getContext('2d')!;
  context.imageSmoothingEnabled = false;
  context.drawImage(output, 0, 0, large.width, large.height);
  large.toBlob((blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob!);
    link.download = `${picture!.name.replace(/\.\w+$/, '')}-${selected === undefined ? 'pca' : 'similarity'}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
});

void inTurn(async () => {
  const { about, model: file, example } = await packed;
  byId('about').textContent = `Model: ${about.model} ${about.example}`;
  resolution.value = String(about.patches);
  model = { file, name: 'The model of this page', normalization: about.preprocessing };
  picture = { bitmap: await openPicture(example, 'Example'), name: 'Example' };
  await compute();
});
