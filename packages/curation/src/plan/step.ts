import type { Extractor } from '@dinov2/features';
import type { Engine } from '@dinov2/jit';
import type { Random } from '@dinov2/primitives';
import type { Shard } from '../kmeans/shards';
import type { Vectors } from '../vectors/vectors';
import type { Decisions } from './decisions';
import type { ImageTable } from './image-table';
import type { Plan, StepKind, StepSettings } from './schema';

/** A step that stands before, and its files. */
export interface FinishedStep {
  readonly kind: StepKind;
  readonly name: string;
  readonly folder: string;
  /** Cosine that it used, if it is a self-deduplication. */
  readonly threshold?: number;
  /** Whether embeddings tell copies from look-alikes at it, where that was measured. */
  readonly separable?: boolean;
}

/** Receives how much of the counted work is done. */
export type Advance = (done: number, total: number) => void;

/** What a step gets to work with. */
export interface StepWork<K extends StepKind> {
  readonly settings: StepSettings<K>;
  readonly plan: Plan;
  readonly images: ImageTable;
  /** Images that enter, ascending. */
  readonly ids: Uint32Array;
  /** How often each of them has been taken so far. */
  readonly times: Uint16Array;
  /** Where results of the step go. */
  readonly folder: string;
  /** Where work under way is kept, for the next attempt with the same settings and inputs. */
  readonly work: string;
  readonly before: readonly FinishedStep[];
  readonly random: Random;
  /** A seed for functions that take a number. */
  readonly seed: number;
  readonly shard?: Shard;
  readonly signal?: AbortSignal;
  engine(): Promise<Engine>;
  /** Embeddings of images, in this order. */
  vectors(ids: Uint32Array): Vectors;
  /** Embed pictures that are not files. */
  readonly extractor: () => Promise<Extractor>;
  /** Show counted work; `part` says which of several. */
  progress(unit: string, part?: string): Advance;
  say(text: string): void;
  /** Say what the user should do something about. */
  warn(text: string): void;
}

/** What a step found out. */
export interface StepOutcome {
  readonly decisions: Decisions;
  /** Numbers for the report, by name. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Files of the step's folder that later steps read, beside the decisions. */
  readonly files?: readonly string[];
}

/** The work of a step. `undefined`: a shard's part is done, others are missing. */
export type StepRunner<K extends StepKind> = (work: StepWork<K>) => Promise<StepOutcome | undefined>;
