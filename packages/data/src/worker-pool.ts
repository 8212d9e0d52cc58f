import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DataError } from './error';
import type { Job, JobResult, Task } from './job';

interface Pending {
  readonly job: Job;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: Error) => void;
}

type Reply = { id: number; result: JobResult } | { id: number; failure: string };

/** Jobs that a thread holds at once: while libvips decodes the one, JavaScript resizes the other. */
const jobsPerWorker = 2;

/**
 * Threads that decode and cut images. Jobs start in the order given; how many are waiting is the
 * caller's bound on memory. The threads do not keep the process alive unless work is awaited.
 */
export class WorkerPool {
  private readonly workers: { thread: Worker; held: Map<number, Pending> }[];
  private readonly waiting: Pending[] = [];
  private nextId = 0;
  private awaited = 0;
  private stopped: Error | undefined;

  /** @param size - number of threads. */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1) {
      throw new DataError(`${size} decoding workers; pass a whole number from 1`);
    }
    const file = workerFile();
    this.workers = Array.from({ length: size }, () => {
      const thread = new Worker(file);
      const held = new Map<number, Pending>();
      thread.unref();
      thread.on('message', (reply: Reply) => this.receive(held, reply));
      thread.on('error', (cause) => {
        this.stop(new DataError(`a decoding worker failed: ${cause}`, { cause }));
      });
      thread.on('exit', (code) => {
        this.stop(new DataError(`a decoding worker ended with code ${code}`));
      });
      return { thread, held };
    });
  }

  /** Have a job done. Rejects when the pool is closed or a thread dies, not for a broken image. */
  run<T extends Task>(job: Job<T>): Promise<JobResult<T>> {
    if (this.stopped !== undefined) return Promise.reject(this.stopped);
    return new Promise<JobResult<T>>((resolve, reject) => {
      // A worker answers each task with its own kind of result.
      this.waiting.push({ job, resolve: resolve as (result: JobResult) => void, reject });
      this.dispatch();
    });
  }

  /** Await something with the process kept alive by the threads. */
  async keepAlive<T>(work: Promise<T>): Promise<T> {
    if (this.awaited++ === 0) for (const { thread } of this.workers) thread.ref();
    try {
      return await work;
    } finally {
      if (--this.awaited === 0) for (const { thread } of this.workers) thread.unref();
    }
  }

  /** End the threads. Waiting jobs reject. */
  async close(): Promise<void> {
    this.stop(new DataError('the loader is closed'));
    await Promise.all(this.workers.map(({ thread }) => thread.terminate()));
  }

  private dispatch(): void {
    while (this.waiting.length > 0) {
      const { thread, held } = this.workers.reduce((a, b) => (b.held.size < a.held.size ? b : a));
      if (held.size >= jobsPerWorker) return;
      const pending = this.waiting.shift()!;
      const id = this.nextId++;
      held.set(id, pending);
      thread.postMessage({ id, job: pending.job });
    }
  }

  private receive(held: Map<number, Pending>, reply: Reply): void {
    const pending = held.get(reply.id);
    if (pending === undefined) return;
    held.delete(reply.id);
    if ('result' in reply) pending.resolve(reply.result);
    else pending.reject(new DataError(`decoding ${pending.job.path} failed: ${reply.failure}`));
    this.dispatch();
  }

  private stop(reason: Error): void {
    if (this.stopped !== undefined) return;
    this.stopped = reason;
    for (const { held } of this.workers) {
      for (const { reject } of held.values()) reject(reason);
      held.clear();
    }
    for (const { reject } of this.waiting.splice(0)) reject(reason);
  }
}

/** One thread less than there are cores, so that the training step keeps one; at least 1, at most 16. */
export function defaultWorkers(): number {
  return Math.min(16, Math.max(1, availableParallelism() - 1));
}

function workerFile(): URL {
  // Beside the built module, or, when the sources run, in the folder they are built to.
  const file = ['./worker.js', '../dist/worker.js']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(fileURLToPath(url)));
  if (file === undefined) {
    throw new DataError('the decoding worker is not built; run `npm run build` first');
  }
  return file;
}
