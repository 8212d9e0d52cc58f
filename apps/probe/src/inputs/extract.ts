import { createProgress } from '@dinov2/app-kit';
import type { ImageSource, SkippedFile } from '@dinov2/data';
import { extractFeatures, type Extractor, type FeatureTable } from '@dinov2/features';
import pc from 'picocolors';
import type { FeatureOptions } from './common';

/** Files that are named one by one when they cannot be read. */
const NAMED_FILES = 3;

/** Features of every image of a source, from the cache where they are there, with progress on the terminal. */
export async function tableOf(extractor: Extractor, source: ImageSource, what: string, { cache, workers, autoOrient }: FeatureOptions): Promise<FeatureTable> {
  let bar: ReturnType<typeof createProgress> | undefined;
  try {
    const table = await extractFeatures(extractor, source, {
      cache,
      // Left out where it is off, so that features are those that other callers keep too.
      ...(autoOrient === true && { decode: { autoOrient } }),
      ...(workers !== undefined && { workers }),
      onProgress({ done, total, cached, imagesPerSecond, secondsLeft }) {
        if (cached === total) return;
        if (bar === undefined && cached > 0) console.log(`${extractor.name}, ${what}: ${cached} of ${total} are in the cache already`);
        bar ??= createProgress({ total, first: cached, unit: 'images', label: `${extractor.name}, ${what}` });
        bar.update(done, { rate: imagesPerSecond, secondsLeft });
      },
    });
    warnSkipped(table.skipped);
    return table;
  } finally {
    bar?.end();
  }
}

/** Say which files were left out, once per program run. */
function warnSkipped(skipped: readonly SkippedFile[]): void {
  const fresh = skipped.filter(({ path }) => !warned.has(path));
  fresh.forEach(({ path }) => warned.add(path));
  for (const { path, reason } of fresh.slice(0, NAMED_FILES)) console.warn(`${pc.yellow('skipped')} ${path}: ${reason}`);
  if (fresh.length > NAMED_FILES) console.warn(`${pc.yellow('skipped')} ${fresh.length - NAMED_FILES} more images that cannot be read`);
}

const warned = new Set<string>();
