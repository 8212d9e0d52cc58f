import { openSource } from '@dinov2/data';
import { embedImages } from '../../embed';
import { chooseWeights, openExtractor } from '../../plan/choose-weights';
import { terminalReporter } from '../../plan/reporter';
import type { Shard } from '../../kmeans/shards';

interface EmbedOptions {
  readonly out: string;
  readonly weights?: string;
  readonly precision: 'float16' | 'float32';
  readonly size?: number;
  readonly shardRows: number;
  readonly shard?: Shard;
  readonly workers?: number;
}

/** `dinov2-curate embed` */
export async function embedCommand(pictures: string, { out, weights, precision, size, shardRows, shard, workers }: EmbedOptions): Promise<void> {
  const reporter = terminalReporter();
  const chosen = chooseWeights(weights ?? null);
  if (chosen.warning !== undefined) reporter.warn(chosen.warning);
  const source = openSource(pictures);
  const extractor = await openExtractor(chosen.weights, { size: size ?? null, resize: null, workers: workers ?? null });
  try {
    const advance = reporter.progress(extractor.name, 'images');
    const { found, rows, failed, columns, complete } = await embedImages(source, extractor, {
      out, precision, shardRows,
      ...(shard && { shard }),
      ...(workers !== undefined && { workers }),
      onProgress: ({ done, total }) => advance(done, total),
    });
    reporter.endProgress();
    console.log(`${out}: ${rows} of ${found} images as ${columns} numbers each (${precision}), ${failed} cannot be read`);
    if (!complete) console.log('other shards are missing; put them together with `dinov2-curate merge`');
  } finally {
    await extractor.dispose();
  }
}
