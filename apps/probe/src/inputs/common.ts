import type { BackendChoice, EngineChoice } from '@dinov2/app-kit';

/** How pictures become features; options that all commands share. */
export interface FeatureOptions {
  /** Side of the central square that is kept, in pixels; that of the weights' own preprocessing by default. */
  readonly size?: number;
  /** Length of the shorter side before that; in the weights' own proportion by default. */
  readonly resize?: number;
  /** Without `resize`, make the shorter side as long as the square that is kept. */
  readonly tight?: boolean;
  /** Turn pictures as their EXIF orientation says. */
  readonly autoOrient?: boolean;
  /** Folder in which features are kept. */
  readonly cache: string;
  /** Threads; one per core by default. */
  readonly workers?: number;
  readonly engine: EngineChoice;
  readonly backend: BackendChoice | null;
}

/** What every evaluation takes. */
export interface EvaluationOptions extends FeatureOptions {
  /** One or more; `runs/sample` by default. */
  readonly weights: readonly string[];
  /** The shipped sample by default. */
  readonly data?: string;
  /** Where results go; by default beside the weights. */
  readonly out?: string;
  /** Judge random weights of the same architecture and raw pixels too. */
  readonly baselines: boolean;
  readonly seed: number;
}
