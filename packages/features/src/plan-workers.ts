/** Worker threads, and the threads that each of their engines uses. */
export interface WorkerPlan {
  readonly workers: number;
  readonly threads: number;
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
  return { workers, threads: workers >= cores ? 1 : cores };
}
