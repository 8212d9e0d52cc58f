import { type Features, patchColours } from '@dinov2/evaluation';

export interface ColourRequest {
  /** Of each image, (N, D) quantised tokens and their (N,) scales. */
  readonly images: readonly { readonly values: Int8Array; readonly scales: Float32Array }[];
  /** Patches in a row of an image. */
  readonly columns: number;
  /** One basis for all images, or one for each. */
  readonly joint: boolean;
  /** Absent: all patches. */
  readonly foreground?: { readonly threshold: number; readonly flip: boolean };
}

/** Of each image (N, 4) RGBA; patches that are masked away are transparent. */
export type Colours = Uint8ClampedArray<ArrayBuffer>[];

/** Colour patches by three principal components, of all of them or of the foreground. */
export function pcaColours({ images, ...options }: ColourRequest): Colours {
  return patchColours(images.map(dequantise), options);
}

function dequantise({ values, scales }: ColourRequest['images'][number]): Features {
  const dimension = values.length / scales.length;
  return { data: Float32Array.from(values, (value, i) => value * scales[Math.floor(i / dimension)]!), shape: [scales.length, dimension] };
}
