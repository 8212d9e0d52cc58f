import { createProgress } from '@dinov2/app-kit';
import { generateScenes } from '../scenes';

export interface ScenesOptions {
  readonly count: number;
  readonly size: number;
  readonly seed: number;
}

/** Make up pictures with exact masks and depths. */
export async function scenesCommand(out: string, { count, size, seed }: ScenesOptions): Promise<void> {
  await makeScenes(out, { count, size, seed });
  console.log(`scenes   ${out}`);
  console.log(`next     dinov2-probe segmentation --data ${out}`);
  console.log(`         dinov2-probe depth --data ${out}`);
}

/** Make up scenes with progress on the terminal. */
export async function makeScenes(out: string, options: ScenesOptions): Promise<void> {
  let bar: ReturnType<typeof createProgress> | undefined;
  try {
    await generateScenes({
      out,
      ...options,
      onProgress(done, total) {
        bar ??= createProgress({ total, unit: 'pictures', label: 'scenes' });
        bar.update(done);
      },
    });
  } finally {
    bar?.end();
  }
}
