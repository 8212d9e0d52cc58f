import type { FeatureTable, Outputs } from '@dinov2/features';
import type { ImageSource } from '@dinov2/data';
import type { FeatureOptions } from './common';
import { defaultWeights } from './defaults';
import { tableOf } from './extract';
import { type Subject, subjectsOf } from './subjects';
import { defaultOut, readWeights } from './weights';

/** What commands take that make pictures. */
export interface LookingOptions extends FeatureOptions {
  /** One; `runs/sample` by default. */
  readonly weights: readonly string[];
  readonly data?: string;
  readonly out?: string;
}

/** Patches along the side of a picture where no size was asked for: finer than the network was trained with. */
const GRID = 24;

/** A network to look through. */
export interface Looking {
  readonly subject: Subject;
  /** Folder for what is made. */
  readonly out: string;
  /** Features of pictures, from the cache where they are there. */
  table(outputs: Outputs, source: ImageSource): Promise<FeatureTable>;
}

/** Read the weights and say what of a picture is looked at: by default the whole central square. */
export async function lookThrough(command: string, options: LookingOptions): Promise<Looking> {
  const path = options.weights[0] ?? defaultWeights();
  const weights = await readWeights(path);
  const size = options.size ?? GRID * weights.pretrained.config.patchSize;
  const sized = { ...options, size, resize: options.resize ?? size };
  const [subject] = subjectsOf(weights, { ...sized, baselines: false, seed: 0 });
  return {
    subject: subject!,
    out: options.out ?? defaultOut(path, command),
    async table(outputs, source) {
      const extractor = await subject!.open(outputs);
      try {
        return await tableOf(extractor, source, 'pictures', options);
      } finally {
        await extractor.dispose();
      }
    },
  };
}
