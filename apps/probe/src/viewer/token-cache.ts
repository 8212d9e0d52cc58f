import { signal } from '@preact/signals';
import { inverseLengths, unpackRows } from '../view/quantise';
import { getAttention, getTokens } from './api';
import { isReady, isSkipped, models } from './state';
import type { PatchTokens } from './similarity';

/** About 100 KB each for ViT-S. */
const MOST = 500;

/** Holds what was fetched of images and asks for what is missing; readers are told by `arrived`. */
class Fetched<T> {
  private readonly held = new Map<string, T | 'pending'>();
  /** Changes when something arrives. */
  readonly arrived = signal(0);

  constructor(private readonly fetch: (model: number, image: number) => Promise<T>) {}

  /** What is there of an image now; it is asked for if there is nothing. */
  get(model: number, image: number): T | undefined {
    void this.arrived.value;
    if (!isReady(model) || isSkipped(model, image)) return undefined;
    const key = `${model}:${image}`;
    const found = this.held.get(key);
    if (found === undefined) {
      this.held.set(key, 'pending');
      void this.load(key, model, image);
    } else if (found !== 'pending') {
      // Last used, last thrown out.
      this.held.delete(key);
      this.held.set(key, found);
      return found;
    }
    return undefined;
  }

  private async load(key: string, model: number, image: number): Promise<void> {
    try {
      this.held.set(key, await this.fetch(model, image));
      for (const [oldest, value] of this.held) {
        if (this.held.size <= MOST) break;
        if (value !== 'pending') this.held.delete(oldest);
      }
      this.arrived.value++;
    } catch {
      // An image that could not be read has no features. It stays 'pending'.
    }
  }
}

const tokens = new Fetched<PatchTokens>(async (model, image) => {
  const { rows, columns } = models.peek()[model]!;
  const unpacked = unpackRows(await getTokens(model, image), rows * columns);
  return { ...unpacked, inverseLengths: inverseLengths(unpacked.values, rows * columns) };
});

const attention = new Fetched<Float32Array>(async (model, image) => new Float32Array(await getAttention(model, image)));

export const tokensOf = (model: number, image: number) => tokens.get(model, image);

/** (heads, 1 + registers, rows, columns) */
export const attentionOf = (model: number, image: number) => attention.get(model, image);
