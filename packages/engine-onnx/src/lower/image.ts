import type { Builder } from '../builder';
import type { Tensor } from '../program';
import type { Call, Lowering, LoweringTable } from './lowering';
import { reverse } from './shape';

interface Sampling {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

type Weights = (from: number, to: number, sampling: Sampling) => Float32Array;

const ratio = (from: number, to: number, { alignCorners }: Sampling) =>
  alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;

/** (to, from) matrix of linear interpolation, in tfjs's arithmetic. */
const bilinear: Weights = (from, to, sampling) => {
  const matrix = new Float32Array(to * from);
  const scale = ratio(from, to, sampling);
  for (let i = 0; i < to; i++) {
    const position = sampling.halfPixelCenters ? scale * (i + 0.5) - 0.5 : scale * i;
    const below = Math.max(0, Math.floor(position));
    const above = Math.min(from - 1, Math.ceil(position));
    const fraction = position - below;
    matrix[i * from + below] += 1 - fraction;
    matrix[i * from + above] += fraction;
  }
  return matrix;
};

const nearest: Weights = (from, to, sampling) => {
  const matrix = new Float32Array(to * from);
  const scale = ratio(from, to, sampling);
  for (let i = 0; i < to; i++) {
    const position = sampling.halfPixelCenters ? scale * (i + 0.5) : scale * i;
    const at = Math.min(from - 1, sampling.alignCorners ? Math.round(position) : Math.floor(position));
    matrix[i * from + Math.max(0, at)] = 1;
  }
  return matrix;
};

const transposed = (matrix: Float32Array, rows: number, columns: number): Float32Array =>
  Float32Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]);

/** Multiply height and width of (B, H, W, C) by matrices (h, H) and (w, W). */
function resample(b: Builder, x: Tensor, height: Tensor, width: Tensor): Tensor {
  const [batch, h, w, c] = x.shape;
  const [h2] = height.shape;
  const [w2] = width.shape;
  const rows = b.ort('MatMul', [height, b.view(x, [batch, h, w * c])], { shape: [batch, h2, w * c], type: 'float32' });
  const columns = b.ort('MatMul', [width, b.view(rows, [batch * h2, w, c])], { shape: [batch * h2, w2, c], type: 'float32' });
  return b.view(columns, [batch, h2, w2, c]);
}

const samplingOf = ({ attributes }: Call): Sampling => ({
  alignCorners: attributes.alignCorners === true,
  halfPixelCenters: attributes.halfPixelCenters === true,
});

const resize =
  (weights: Weights): Lowering =>
  (b, call) => {
    const [, h, w] = call.inputs.images.shape;
    const [, h2, w2] = call.outputs[0].shape;
    const sampling = samplingOf(call);
    const matrix = (from: number, to: number) => b.constant(weights(from, to, sampling), [to, from], 'float32');
    const y = resample(b, b.cast(call.inputs.images, 'float32'), matrix(h, h2), matrix(w, w2));
    return b.cast(y, call.outputs[0].type);
  };

const resizeGradient =
  (weights: Weights): Lowering =>
  (b, call) => {
    const [, h, w] = call.inputs.images.shape;
    const [, h2, w2] = call.inputs.dy.shape;
    // The gradients of tfjs do not know halfPixelCenters.
    const sampling = { ...samplingOf(call), halfPixelCenters: false };
    const matrix = (from: number, to: number) =>
      b.constant(transposed(weights(from, to, sampling), to, from), [from, to], 'float32');
    return resample(b, call.inputs.dy, matrix(h, h2), matrix(w, w2));
  };

export const image: LoweringTable = {
  FlipLeftRight: (b, call) => reverse(b, call.inputs.image, [2]),
  ResizeBilinear: resize(bilinear),
  ResizeBilinearGrad: resizeGradient(bilinear),
  ResizeNearestNeighbor: resize(nearest),
  ResizeNearestNeighborGrad: resizeGradient(nearest),
};
