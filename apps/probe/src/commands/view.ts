import { sampleFolder, defaultWeights } from '../inputs/defaults';
import { startViewer } from '../view';

export interface ViewOptions {
  readonly weights: readonly string[];
  readonly data?: string;
  readonly run: readonly string[];
  readonly port?: number;
  readonly cache: string;
  readonly size?: number;
  readonly workers?: number;
}

/** Serve the viewer until the program is stopped. */
export async function viewCommand({ weights, data, run, port, cache, size, workers }: ViewOptions): Promise<void> {
  const viewer = await startViewer({
    weights: weights.length > 0 ? weights : [defaultWeights()],
    images: data ?? sampleFolder(),
    ...(run.length > 0 && { runs: run }),
    cache,
    ...(port !== undefined && { port }),
    ...(size !== undefined && { size }),
    ...(workers !== undefined && { workers }),
  });
  console.log(`viewer   ${viewer.url}`);
  console.log('Only this machine can open it. Ctrl-C stops it.');
  await viewer.ready;
  await new Promise(() => {});
}
