import { wasmBase64 } from '../generated/patch-search';
import { inverseLengths } from './quantise';

const PAGE = 65_536;
/** WebAssembly addresses 32 bits. */
const MOST = 65_535 * PAGE;

/** The most similar patch of each image. */
export interface BestPatches {
  /** (images,) cosine similarity. */
  readonly similarities: Float32Array<ArrayBuffer>;
  /** (images,) number of the patch. */
  readonly patches: Int32Array<ArrayBuffer>;
}

interface Kernel {
  bestPatches(patches: number, inverseLengths: number, query: number, images: number, count: number, stride: number, similarities: number, places: number): void;
}

/** Patch tokens of many images in one memory, and the search through all of them. */
export class PatchTable {
  private readonly memory = new WebAssembly.Memory({ initial: 1 });
  private readonly kernel: Kernel;
  /** Bytes per row, a multiple of 16. */
  private readonly stride: number;
  private readonly lengths: Float32Array[] = [];
  /** Images that fit. */
  readonly capacity: number;

  /**
   * @param patches - of every image.
   * @param dimension - of every patch.
   * @param maximumBytes - of memory; at most 4 GiB are used.
   */
  constructor(
    private readonly patches: number,
    private readonly dimension: number,
    maximumBytes: number,
  ) {
    const module = new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
    this.kernel = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports as unknown as Kernel;
    this.stride = Math.ceil(dimension / 16) * 16;
    this.capacity = Math.max(1, Math.floor((Math.min(maximumBytes, MOST) - 2 * this.stride - PAGE) / this.bytesPerImage));
  }

  private get bytesPerImage(): number {
    return this.patches * (this.stride + 4) + 8;
  }

  get size(): number {
    return this.lengths.length;
  }

  /** Take in the (patches, dimension) values of one image. `false` if there is no room. */
  add(values: Int8Array): boolean {
    const image = this.size;
    if (image >= this.capacity) return false;
    const start = image * this.patches * this.stride;
    if (!this.reserve(start + this.patches * this.stride)) return false;
    const heap = new Int8Array(this.memory.buffer);
    for (let patch = 0; patch < this.patches; patch++) {
      heap.set(values.subarray(patch * this.dimension, (patch + 1) * this.dimension), start + patch * this.stride);
      // The memory of a search may have been here.
      heap.fill(0, start + patch * this.stride + this.dimension, start + (patch + 1) * this.stride);
    }
    this.lengths.push(inverseLengths(values, this.patches));
    return true;
  }

  /** The patch most similar to `query`, (dimension), in every image. */
  search(query: Int8Array): BestPatches {
    const images = this.size;
    const rows = images * this.patches;
    const lengthsAt = rows * this.stride;
    const queryAt = Math.ceil((lengthsAt + rows * 4) / 16) * 16;
    const similaritiesAt = queryAt + 2 * this.stride;
    const patchesAt = similaritiesAt + images * 4;
    if (!this.reserve(patchesAt + images * 4)) throw new Error('no memory left for a search');
    const { buffer } = this.memory;
    const lengths = new Float32Array(buffer, lengthsAt, rows);
    this.lengths.forEach((part, image) => lengths.set(part, image * this.patches));
    const words = new Int16Array(buffer, queryAt, this.stride);
    words.fill(0);
    words.set(query);
    this.kernel.bestPatches(0, lengthsAt, queryAt, images, this.patches, this.stride, similaritiesAt, patchesAt);
    const scale = inverseLengths(query, 1)[0]!;
    return {
      similarities: new Float32Array(buffer, similaritiesAt, images).map((value) => value * scale),
      patches: Int32Array.from(new Int32Array(buffer, patchesAt, images)),
    };
  }

  private reserve(bytes: number): boolean {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return true;
    try {
      // Some at a time, so that a thousand images do not move the memory a thousand times.
      const have = this.memory.buffer.byteLength;
      const pages = Math.ceil(Math.max(missing, Math.min(have / 2, MOST - have)) / PAGE);
      this.memory.grow(Math.min(pages, Math.floor((MOST - have) / PAGE)));
      return this.memory.buffer.byteLength >= bytes;
    } catch {
      return false;
    }
  }
}
