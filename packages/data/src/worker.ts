import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import type { Job, JobResult } from './job';
import { runJob } from './run-job';

// One libvips thread per image, and nothing kept: the pool is the parallelism and the bound on memory.
sharp.concurrency(1);
sharp.cache(false);

parentPort!.on('message', async ({ id, job }: { id: number; job: Job }) => {
  try {
    const result = await runJob(job);
    parentPort!.postMessage({ id, result }, buffers(result));
  } catch (error) {
    parentPort!.postMessage({ id, failure: (error as Error).stack ?? String(error) });
  }
});

function buffers(result: JobResult): ArrayBuffer[] {
  if ('reason' in result) return [];
  return 'data' in result ? [result.data.buffer] : [result.pixels.buffer, result.parameters.buffer];
}
