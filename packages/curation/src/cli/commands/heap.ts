import { createProgress } from '@dinov2/app-kit';
import { generateHeap } from '../../heap';

/** `dinov2-curate heap` */
export async function heapCommand(out: string, { count, seed }: { readonly count: number; readonly seed: number }): Promise<void> {
  let bar: ReturnType<typeof createProgress> | undefined;
  try {
    await generateHeap(out, {
      count,
      seed,
      onProgress(done, total) {
        bar ??= createProgress({ total, first: done, unit: 'files', label: 'heap' });
        bar.update(done);
      },
    });
  } finally {
    bar?.end();
  }
  console.log(`${out}/images, and what each of them is in ${out}/truth.csv; next: dinov2-curate run ${out}/images`);
}
