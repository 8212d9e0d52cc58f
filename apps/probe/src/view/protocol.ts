/** What the server tells the page; both are built from this file. */

export interface ViewerState {
  /** Name of the folder of images. */
  readonly folder: string;
  /** Of each image, its path in the folder. */
  readonly names: readonly string[];
  /** Of each image, the number of its class, or −1. */
  readonly labels: readonly number[];
  readonly classes: readonly string[];
  readonly models: readonly ModelState[];
  /** Names of the runs whose training curves can be shown. */
  readonly runs: readonly string[];
}

export interface ModelState {
  /** Short, to tell one file of weights from the other. */
  readonly label: string;
  /** e.g. `ViT-S/14, 4 registers` */
  readonly name: string;
  readonly embedDim: number;
  readonly heads: number;
  readonly registers: number;
  readonly patchSize: number;
  /** Patches of every image. */
  readonly rows: number;
  readonly columns: number;
  readonly progress: ExtractionState;
}

/** How far the features of the folder are. */
export type ExtractionState =
  | { readonly status: 'waiting' }
  | { readonly status: 'extracting'; readonly done: number; readonly total: number; readonly imagesPerSecond: number; readonly secondsLeft: number }
  /** `searchable` images take part in searches for patches; it grows for a while. `map` is the share of the map that is done. */
  | { readonly status: 'ready'; readonly count: number; readonly searchable: number; readonly skipped: readonly SkippedImage[]; readonly map?: number }
  | { readonly status: 'failed'; readonly problem: string };

/** An image without features. */
interface SkippedImage {
  readonly image: number;
  readonly reason: string;
}

/** Images from most to least similar, without those that have no features. */
export interface NeighbourList {
  readonly images: readonly number[];
  /** Cosine similarities. */
  readonly similarities: readonly number[];
  /** Of each image its most similar patch, row-major; only for neighbours of a patch. */
  readonly patches?: readonly number[];
  /** Number of images that were compared. */
  readonly searched: number;
  /** Time in the server, in milliseconds. */
  readonly milliseconds: number;
}

/** The folder on a plane. */
export interface FolderMap {
  readonly method: 'umap' | 'pca';
  readonly images: readonly number[];
  /** x, y of each image, within 0 … 1. */
  readonly places: readonly number[];
}

/** One line of `metrics.jsonl`; `iteration` counts from 0. */
export type MetricsLine = Readonly<Record<string, number | null>> & { readonly iteration: number };

/** Lines that were added to a run's log, or, after a restart of the run, all of them. */
export interface MetricsUpdate {
  readonly restart: boolean;
  readonly lines: readonly MetricsLine[];
}
