/** Which patches get colours: all, or those on one side of the first principal component. */
export type Side = 'all' | 'foreground' | 'background';

/** What the page asks of its worker. */
export interface Requests {
  /** Start ONNX Runtime with a model. */
  load: { message: { runtime: Blob; model: Blob }; reply: ModelFacts };
  /** Run the model on (1, 3, height, width) normalised pixels. */
  features: { message: { pixels: Float32Array; height: number; width: number }; reply: PatchFeatures };
  /** Colour the patches of the last picture. */
  colours: { message: { side: Side }; reply: Colouring };
}

export interface ModelFacts {
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Height and width of the only input the model takes; undefined when any will do. */
  readonly fixedSize?: { readonly height: number; readonly width: number };
}

/** Output of the model for one picture. */
export interface PatchFeatures {
  readonly rows: number;
  readonly columns: number;
  /** (rows · columns, D), row by row. */
  readonly data: Float32Array;
  /** Time the model took. */
  readonly milliseconds: number;
}

export interface Colouring {
  /** (rows · columns, 4): red, green, blue and opacity of each patch; those left out are transparent. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Why the worker could not do what it was asked, as a sentence. */
export interface Failure {
  readonly reason: string;
  /** Whether memory ran out; the worker is of no further use then. */
  readonly outOfMemory: boolean;
}
