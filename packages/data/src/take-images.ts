import type { ImageSource } from './source';

/** The images of a source with these numbers, in their order. */
export function takeImages({ paths, labels, classes, boxes, spans }: ImageSource, numbers: readonly number[]): ImageSource {
  return {
    paths: numbers.map((i) => paths[i]),
    labels: Int32Array.from(numbers, (i) => labels[i]),
    classes,
    ...(boxes && { boxes: numbers.map((i) => boxes[i]) }),
    ...(spans && { spans: numbers.map((i) => spans[i]) }),
  };
}
