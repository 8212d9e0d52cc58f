import type { Rectangle } from '@dinov2/augment';
import type { RgbImage } from './decode';
import { DataError } from './error';
import { wasmBase64 } from './generated/resampler';
import { type FilterName, fixedPoint, resampleFilter, type ResampleFilter, shortFixedPoint } from './resample-filter';

/** What to make of an image: a part of it, resized, and a window of the result. */
export interface ResampleTask {
  /** Cut out first; pixels outside it have no influence. */
  readonly crop: Rectangle;
  /** Size the cut-out is resized to. */
  readonly width: number;
  readonly height: number;
  /** Part of the resized picture to compute; all of it by default. */
  readonly window?: Rectangle;
  /** Mirror the result left to right. */
  readonly flip?: boolean;
  /** Bicubic by default. */
  readonly filter?: FilterName;
  /**
   * Whose fixed-point weights: Pillow's of 22 bits (default) or those of 16 bits that PyTorch resizes
   * uint8 tensors with on a CPU.
   */
  readonly weights?: 'pillow' | 'torch';
}

/**
 * Crop and resize with Pillow's antialiased filters, bit for bit: widened by the reduction, 22-bit
 * fixed-point weights, horizontal pass first, each pass rounded to 8 bits.
 *
 * @returns for each task its window, (height, width, 3), one after another.
 * @throws DataError when a crop reaches beyond the image or a window beyond the resized picture.
 */
export function resample(image: RgbImage, tasks: readonly ResampleTask[]): Uint8Array<ArrayBuffer> {
  const output = new Uint8Array(tasks.reduce((sum, task) => sum + 3 * windowOf(task).width * windowOf(task).height, 0));
  const heap = new Heap();
  const source = heap.put(image.data);
  const mark = heap.top;
  let offset = 0;
  for (const task of tasks) {
    heap.top = mark;
    offset += resampleTask(heap, source, image, task, output, offset);
  }
  heap.release();
  return output;
}

function resampleTask(
  heap: Heap,
  source: number,
  image: RgbImage,
  task: ResampleTask,
  output: Uint8Array,
  offset: number,
): number {
  const { crop, width, height, flip = false } = task;
  const { filter = 'bicubic', weights = 'pillow' } = task;
  const window = windowOf(task);
  checkInside(crop, image, 'crop', 'image');
  checkInside(window, task, 'window', 'resized picture');
  const across = integerFilter(filter, weights, crop.width, width, window.left, window.width);
  const down = integerFilter(filter, weights, crop.height, height, window.top, window.height);

  // Only the rows that the vertical pass reads.
  const last = window.height - 1;
  const firstRow = down.starts[0];
  const rows = down.starts[last] + down.counts[last] - firstRow;
  // One byte more than a line: storing its last pixel writes a fourth one.
  const stride = (window.width * 3 + 1 + 15) & ~15;
  const bytes = window.width * 3;

  const narrowed = heap.reserve(rows * stride);
  const target = heap.reserve(window.height * bytes);
  const columns = heap.put(across.starts.map((start) => start * 3));
  const columnCounts = heap.put(across.counts);
  const columnWeights = heap.put(across.weights);
  const lines = heap.put(down.starts.map((start) => start - firstRow));
  const lineCounts = heap.put(down.counts);
  const lineWeights = heap.put(down.weights);

  const from = source + ((crop.top + firstRow) * image.width + crop.left) * 3;
  const { narrow, lower } = heap.kernels;
  narrow(from, image.width * 3, rows, columns, columnCounts, columnWeights, across.taps, narrowed, stride, window.width, flip ? 1 : 0);
  lower(narrowed, stride, lines, lineCounts, lineWeights, down.taps, target, bytes, window.height);
  output.set(new Uint8Array(heap.memory.buffer, target, window.height * bytes), offset);
  return window.height * bytes;
}

function integerFilter(
  name: FilterName,
  weights: 'pillow' | 'torch',
  from: number,
  to: number,
  first: number,
  length: number,
): ResampleFilter<Int32Array> {
  const filter = resampleFilter(name, from, to, first, length);
  if (weights === 'pillow') return fixedPoint(filter);
  const largest = resampleFilter(name, from, to).weights.reduce((a, b) => Math.max(a, b), 0);
  return shortFixedPoint(filter, largest);
}

function windowOf({ window, width, height }: ResampleTask): Rectangle {
  return window ?? { left: 0, top: 0, width, height };
}

function checkInside(
  inner: Rectangle,
  outer: { width: number; height: number },
  name: string,
  outerName: string,
): void {
  const { left, top, width, height } = inner;
  const right = left + width;
  const bottom = top + height;
  if (!(left >= 0 && top >= 0 && width > 0 && height > 0 && right <= outer.width && bottom <= outer.height)) {
    throw new DataError(
      `${name} of ${width} × ${height} pixels at (${left}, ${top}) does not fit the ${outerName} of ${outer.width} × ${outer.height}`,
    );
  }
}

/** Exports of assembly/resample.ts. */
interface Kernels {
  narrow(
    source: number, sourceStride: number, rows: number,
    starts: number, counts: number, weights: number, taps: number,
    target: number, targetStride: number, width: number, flip: number,
  ): void;
  lower(
    source: number, sourceStride: number,
    starts: number, counts: number, weights: number, taps: number,
    target: number, bytes: number, height: number,
  ): void;
}

const page = 65536;
// The kernels read and write up to 16 bytes past the end of a line.
const guard = 16;
// More than this is given back, so that one huge image does not hold its memory for the whole run.
const keptBytes = 64 * 2 ** 20;

let kept: { memory: WebAssembly.Memory; kernels: Kernels } | undefined;

/** The memory of the kernels, filled from the bottom. */
class Heap {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  top = guard;

  constructor() {
    kept ??= instantiate();
    ({ memory: this.memory, kernels: this.kernels } = kept);
  }

  reserve(bytes: number): number {
    const at = this.top;
    this.top = (at + bytes + guard + 15) & ~15;
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / page));
    return at;
  }

  put(values: Uint8Array | Int32Array): number {
    const at = this.reserve(values.byteLength);
    new Uint8Array(this.memory.buffer).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    return at;
  }

  release(): void {
    if (this.memory.buffer.byteLength > keptBytes) kept = undefined;
  }
}

function instantiate() {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const module = new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, kernels: exports as unknown as Kernels };
}
