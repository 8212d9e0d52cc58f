/** Worker threads, and what each of them has. */
export interface WorkerPlan {
  readonly workers: number;
  /** Threads of its engine. */
  readonly threads: number;
  /** Compiled programs that it keeps. */
  readonly programs: number;
}

/**
 * A worker per core with one thread is fastest: none waits for another. But every worker holds the
 * weights as its kernels like them; where these copies would fill more than a third of the free memory
 * there are fewer workers, and their engines share the cores.
 *
 * @param weights - bytes of the weights.
 * @param memory - bytes that are free.
 * @param wanted - a number of workers to keep to, whatever the memory.
 */
export function planWorkers(cores: number, weights: number, memory: number, wanted?: number): WorkerPlan {
  const workers = wanted ?? Math.min(cores, Math.max(1, Math.floor(memory / 3 / weights)));
  return { workers, threads: workers >= cores ? 1 : cores, programs: planPrograms(workers * weights, memory) };
}

/**
 * Programs, one per shape of images, that are kept: up to three while their copies of the weights fill no more
 * than a third of the free memory. A copy takes up to 1.7 times the bytes of the weights.
 */
export function planPrograms(weights: number, memory: number): number {
  return Math.min(3, Math.max(1, Math.floor(memory / 3 / weights)));
}
