import { float32, op, size, type OpTable } from './op';

type Size = [number, number];

/** Interpolation of an image batch (B, H, W, C) to another height and width. */
const resize = (cost: number, keepsType: boolean) =>
  op<{ size: Size }>({
    infer: ({ images }, attributes) => {
      const [batch, , , channels] = images.shape;
      const shape = [batch, ...attributes.size, channels];
      return keepsType ? { shape, dtype: images.dtype } : float32(shape);
    },
    flops: (_, [y]) => cost * size(y),
  });

const resizeGradient = (cost: number) =>
  op({ infer: ({ images }) => float32(images.shape), flops: ({ dy }) => cost * size(dy) });

export const image: OpTable = {
  CropAndResize: op<{ cropSize: Size }>({
    infer: ({ image: x, boxes }, { cropSize }) => float32([boxes.shape[0], ...cropSize, x.shape[3]]),
    flops: (_, [y]) => 8 * size(y),
  }),
  FlipLeftRight: op({ infer: ({ image: x }) => x }),
  ResizeBilinear: resize(8, false),
  ResizeBilinearGrad: resizeGradient(8),
  ResizeNearestNeighbor: resize(0, true),
  ResizeNearestNeighborGrad: resizeGradient(1),
  RotateWithOffset: op({ infer: ({ image: x }) => x }),
  Transform: op<{ outputShape?: Size }>({
    infer: ({ image: x }, { outputShape }) => {
      const [batch, height, width, channels] = x.shape;
      return float32([batch, ...(outputShape ?? [height, width]), channels]);
    },
    flops: (_, [y]) => 8 * size(y),
  }),
};
