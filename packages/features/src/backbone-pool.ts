import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { HostArray } from '@dinov2/vit';
import { FeaturesError } from './error';
import { joinTokens } from './join-tokens';
import type { Answer, WorkerSetup } from './messages';
import type { Tokens } from './types';

/** Images that a worker takes at a time: the weights are read once for both, and their tokens stay in the core's cache. */
const imagesPerCall = 2;

interface Part {
  readonly images: HostArray;
  readonly resolve: (tokens: Tokens) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  /** What it works on. */
  current: Part | undefined;
}

/** A frozen network in several threads, each of which computes a few images at a time. */
export class BackbonePool {
  private readonly threads: Thread[] = [];
  private readonly waiting: Part[] = [];
  private ended: Error | undefined;

  private constructor() {}

  /** Resolves when all threads are ready. */
  static async start(size: number, setup: WorkerSetup): Promise<BackbonePool> {
    const pool = new BackbonePool();
    const file = workerFile();
    const ready = Array.from({ length: size }, () => pool.startThread(file, setup));
    try {
      await Promise.all(ready);
    } catch (error) {
      await Promise.allSettled(ready);
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** @param images - (B, H, W, 3) */
  async run(images: HostArray): Promise<Tokens> {
    const [batch, ...rest] = images.shape;
    const size = images.data.length / batch;
    const each = Math.min(batch, imagesPerCall);
    const parts: Promise<Tokens>[] = [];
    for (let first = 0; first < batch; first += each) {
      const data = new Float32Array(each * size);
      // The last image of an odd batch goes with a second place left empty: one program does for all.
      data.set(images.data.subarray(first * size, Math.min(first + each, batch) * size));
      parts.push(this.add({ data, shape: [each, ...rest] }));
    }
    return joinTokens(await Promise.all(parts), batch);
  }

  /** End the threads when they have finished what they work on. What waits is rejected. */
  async close(): Promise<void> {
    this.end(new FeaturesError('the extractor is disposed; create another'));
    await Promise.all(
      this.threads.map(({ worker }) => {
        const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
        if (worker.threadId === -1) return undefined; // it has ended
        worker.ref();
        worker.postMessage('close');
        return exit;
      }),
    );
  }

  private startThread(file: URL, workerData: WorkerSetup): Promise<void> {
    const worker = new Worker(file, { workerData });
    const thread: Thread = { worker, current: undefined };
    this.threads.push(thread);
    return new Promise((resolve, reject) => {
      worker.on('message', (answer: Answer) => {
        if (answer === 'ready') {
          worker.unref();
          resolve();
        } else if (thread.current === undefined && 'failure' in answer) {
          reject(new FeaturesError(`a worker cannot start: ${answer.failure}`));
        } else {
          this.finish(thread, answer);
        }
      });
      const fail = (reason: string, cause?: unknown) => {
        const error = new FeaturesError(reason, { cause });
        reject(error);
        this.end(error);
      };
      worker.on('error', (cause) => fail(`a worker failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause));
      worker.on('exit', (code) => fail(`a worker ended with code ${code}`));
    });
  }

  private add(images: HostArray): Promise<Tokens> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      this.waiting.push({ images, resolve, reject });
      this.dispatch();
    });
  }

  private dispatch(): void {
    for (const thread of this.threads) {
      if (thread.current !== undefined) continue;
      const part = this.waiting.shift();
      if (part === undefined) return;
      thread.current = part;
      // An idle thread does not keep the process alive, one at work does.
      thread.worker.ref();
      thread.worker.postMessage(part.images, [part.images.data.buffer as ArrayBuffer]);
    }
  }

  private finish(thread: Thread, answer: Exclude<Answer, 'ready'>): void {
    const part = thread.current;
    thread.current = undefined;
    thread.worker.unref();
    if (part === undefined) return;
    if ('tokens' in answer) part.resolve(answer.tokens);
    else part.reject(new FeaturesError(answer.failure));
    if (this.ended === undefined) this.dispatch();
  }

  private end(reason: Error): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    for (const thread of this.threads) thread.current?.reject(reason);
    for (const { reject } of this.waiting.splice(0)) reject(reason);
  }
}

function workerFile(): URL {
  // Beside the built module, or, when the sources run, in the folder they are built to.
  const file = ['./worker.js', '../dist/worker.js']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(fileURLToPath(url)));
  if (file === undefined) throw new FeaturesError('the worker of @dinov2/features is not built; run `npm run build` first');
  return file;
}
