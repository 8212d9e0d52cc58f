import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { builtFile } from './built-file';
import type { MapReply, MapRequest } from './map-worker';

/** A plane of images by their class tokens. */
export interface Layout {
  readonly method: 'umap' | 'pca';
  /** (N, 2) within 0 … 1. */
  readonly places: Float32Array;
}

export interface LayOutOptions {
  /** (N, D) */
  readonly data: Float32Array;
  readonly shape: readonly number[];
  /** Folder of maps that were made before. */
  readonly cache: string;
  readonly signal: AbortSignal;
  /** Told the share that is done. */
  onProgress(share: number): void;
}

/** Changes whenever the same tokens are laid out otherwise. */
const VERSION = 1;

/** Lay out N class tokens (N, D) in a thread of its own; once, then the file in `cache` is read. */
export async function layOut({ data, shape, cache, signal, onProgress }: LayOutOptions): Promise<Layout> {
  const key = createHash('sha256').update(`${VERSION} ${shape.join(',')} `).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest('hex');
  const file = join(cache, `${key}.json`);
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept !== undefined) {
    const { method, places } = JSON.parse(kept) as { method: Layout['method']; places: number[] };
    return { method, places: Float32Array.from(places) };
  }
  const layout = await compute(data, shape, signal, onProgress);
  await mkdir(cache, { recursive: true });
  const aside = `${file}.${process.pid}`;
  await writeFile(aside, JSON.stringify({ method: layout.method, places: Array.from(layout.places, (value) => Number(value.toFixed(5))) }));
  await rename(aside, file);
  return layout;
}

function compute(data: Float32Array, shape: readonly number[], signal: AbortSignal, onProgress: (share: number) => void): Promise<Layout> {
  const workerData: MapRequest = { data: Float32Array.from(data), columns: shape[1]! };
  return new Promise((resolve, reject) => {
    const worker = new Worker(builtFile('map-worker.js'), { workerData });
    worker.unref();
    worker.on('message', (reply: MapReply) => {
      if ('share' in reply) return onProgress(reply.share);
      resolve(reply.layout);
      void worker.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the map was not finished')));
    signal.addEventListener('abort', () => void worker.terminate(), { once: true });
  });
}
