import { z } from 'zod';
import { defaultRules } from '../quality';

const count = z.number().int().min(0);
const positiveCount = z.number().int().min(1);
const cosine = z.number().gt(-1).max(1);
const setName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected letters, digits, ".", "_" or "-": it names a folder');
/** The paper's threshold is for copy-detection embeddings; `auto` measures one for those at hand. */
const threshold = z.union([cosine, z.literal('auto')]);

/** Pictures to choose from. */
export const sourceSchema = z.strictObject({
  /** By default the last part of the path, without its ending. */
  name: setName,
  /** Folder, list (`.txt`, `.csv`, `.jsonl`, `.parquet`), tar, or folder of tars. */
  path: z.string().min(1),
  /** Of copies in several sources, the one of the largest priority stays. */
  priority: z.number().default(0),
});

/** How images are retrieved for query sets (§3, A.4). */
const retrieval = {
  /** `sample`: the k nearest images of each query. `cluster`: images of clusters that hold enough queries. */
  mode: z.enum(['sample', 'cluster']).default('sample'),
  k: positiveCount.default(4),
  /** What becomes of an image that several queries ask for. */
  collisions: z.enum(['keep', 'unique', 'refill']).default('unique'),
  /** Clusters with strictly more queries than this are taken. */
  minQueries: count.default(3),
  /** Images of each such cluster at most. */
  perCluster: positiveCount.default(10_000),
  /** Images of each query set at most. */
  cap: positiveCount.default(1_000_000),
};

/** Pictures like which more are wanted. */
export const querySchema = z.strictObject({
  name: setName,
  path: z.string().min(1),
  mode: retrieval.mode.unwrap().optional(),
  k: positiveCount.optional(),
  collisions: retrieval.collisions.unwrap().optional(),
  minQueries: count.optional(),
  perCluster: positiveCount.optional(),
  cap: positiveCount.optional(),
  /** Put the queries themselves into the manifest, as Table 15 does with some sets. */
  asIs: z.boolean().default(false),
});

/** Pictures that must not be in the result, such as evaluation sets. */
export const heldOutSchema = z.strictObject({ name: setName, path: z.string().min(1) });

export const embedSchema = z.strictObject({
  /** Run of `dinov2-pretrain`, Hugging Face folder, weights file, `pixels`; null: the newest run in `runs`, else `pixels`. */
  weights: z.string().min(1).nullable().default(null),
  precision: z.enum(['float16', 'float32']).default('float16'),
  /** Side of the square that is kept, in pixels; null: as the weights were made for. */
  size: positiveCount.nullable().default(null),
  /** Shorter side before that; null: in the weights' own proportion. */
  resize: positiveCount.nullable().default(null),
  /** Turn pictures as their EXIF orientation says. */
  autoOrient: z.boolean().default(false),
  /** Threads; null: one per core. */
  workers: positiveCount.nullable().default(null),
  /** Images of one file of embeddings, the unit that is never computed again. */
  shardRows: positiveCount.default(4096),
});

const policy = z.enum(['sourcePriority', 'largestArea', 'highestQuality', 'medoid', 'lowestId']);
/** Which copy stays: the best by the first policy, among equals by the next, at last the first. */
const keep = z.union([policy, z.array(policy).min(1)]).default(['sourcePriority', 'largestArea']);

const rule = z
  .strictObject({ name: z.string().min(1), column: z.string().min(1), min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'expected a min, a max or both');

/** How neighbours are searched for. */
const join = {
  k: positiveCount.default(64),
  method: z.enum(['auto', 'exact', 'ivf']).default('auto'),
  /** Share of pairs above the threshold that an approximate search must find, measured on a sample. */
  recall: z.number().gt(0).max(1).default(0.97),
};

/** Settings of each kind of step, with the paper's numbers where it has some. */
export const stepSchemas = {
  /** Leave out what no training wants, by what was measured of each picture. */
  filter: z.strictObject({
    /** Bounds on columns of `images.parquet`; by default what nearly every photograph and drawing passes. */
    rules: z.array(rule).default([...defaultRules]),
    /** Bounds beside those. */
    moreRules: z.array(rule).default([]),
    /** Module whose default export judges images; rules may name the columns that it returns. null: none. */
    classifier: z.string().min(1).nullable().default(null),
  }),
  /** Files with equal bytes, and pictures with (nearly) equal perceptual hashes. */
  exact: z.strictObject({
    /** Bits of 64 by which perceptual hashes may differ; null compares bytes alone. */
    perceptual: z.number().int().min(0).max(32).nullable().default(2),
    keep,
  }),
  /** Near copies within the pool (A.3). */
  selfDeduplicate: z.strictObject({
    ...join,
    threshold: threshold.default('auto'),
    keep,
    /** Larger components are parted where they hang together least, as chains are; null: never. */
    maximumSize: z.number().int().min(2).nullable().default(200),
  }),
  /** Near copies of held-out images (A.3). */
  relativeDeduplicate: z.strictObject({
    ...join,
    threshold: threshold.default('auto'),
    /** `component`: what hangs together with a held-out image, as the paper; `direct`: what is itself near one. */
    mode: z.enum(['component', 'direct']).default('component'),
    /** Names of held-out sets; null: all. */
    against: z.array(z.string()).min(1).nullable().default(null),
  }),
  retrieve: z.strictObject({ ...retrieval, clusters: z.union([positiveCount, z.literal('auto')]).default('auto') }),
  /** Hierarchical k-means (Vo et al. 2024). */
  cluster: z.strictObject({
    /** Clusters of each level, most first. */
    levels: z.union([z.array(positiveCount).min(1), z.literal('auto')]).default('auto'),
    /** Rounds of resampling-clustering on the levels above the first. */
    resampling: count.default(10),
    iterations: positiveCount.default(50),
  }),
  /** Sample evenly over the clusters, from the top down (Vo et al. 2024). */
  balance: z.strictObject({
    /** How many images: up to 1 as a share of those there are. */
    images: z.number().gt(0).refine((n) => n <= 1 || Number.isInteger(n), 'expected a whole number, or a share up to 1').default(0.5),
    /** How often one image may be taken. */
    multiplier: positiveCount.default(1),
    choose: z.enum(['random', 'closest']).default('random'),
  }),
} as const;

export type StepKind = keyof typeof stepSchemas;
export const stepKinds = Object.keys(stepSchemas) as StepKind[];

export type StepSettings<K extends StepKind> = z.infer<(typeof stepSchemas)[K]>;

/** One step of a plan, with every setting. */
export type PlannedStep = { readonly [K in StepKind]: { readonly name: string; readonly kind: K; readonly settings: StepSettings<K> } }[StepKind];

export type Source = z.infer<typeof sourceSchema>;
export type QuerySet = z.infer<typeof querySchema>;
export type HeldOutSet = z.infer<typeof heldOutSchema>;
export type EmbedSettings = z.infer<typeof embedSchema>;

/** Everything that a run does, with every setting. */
export interface Plan {
  /** Run folder. */
  readonly out: string;
  readonly seed: number;
  readonly sources: readonly Source[];
  readonly queries: readonly QuerySet[];
  readonly heldOut: readonly HeldOutSet[];
  readonly embed: EmbedSettings;
  readonly engine: 'auto' | 'onnx' | 'eager';
  readonly steps: readonly PlannedStep[];
}

export const engineSchema = z.enum(['auto', 'onnx', 'eager']).default('auto');
export const seedSchema = count.default(0);
