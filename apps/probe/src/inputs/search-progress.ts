import { createProgress } from '@dinov2/app-kit';
import type { SearchProgress } from '@dinov2/evaluation';

/** Time after which a search is worth a bar, in milliseconds. */
const PATIENCE = 2000;

/** Do a search, with progress on the terminal if it takes a while. */
export async function withSearchProgress<T>(label: string, search: (onProgress: (progress: SearchProgress) => void) => Promise<T>): Promise<T> {
  const started = performance.now();
  let bar: ReturnType<typeof createProgress> | undefined;
  try {
    return await search(({ rows, total, rowsPerSecond, secondsLeft }) => {
      if (total === undefined || (bar === undefined && performance.now() - started < PATIENCE)) return;
      bar ??= createProgress({ total, unit: 'rows', label });
      bar.update(rows, { rate: rowsPerSecond, ...(secondsLeft !== undefined && { secondsLeft }) });
    });
  } finally {
    bar?.end();
  }
}
