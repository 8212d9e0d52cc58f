import type { Builder } from './builder';
import { input, output, type Call, type Lowering, type LoweringTable } from './lowering';
import { take } from './indexing';
import { range, type Tensor } from './tensor';

interface Sampling {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

const samplingOf = ({ attributes }: Call): Sampling => ({
  alignCorners: attributes.alignCorners === true,
  halfPixelCenters: attributes.halfPixelCenters === true,
});

const ratio = (from: number, to: number, { alignCorners }: Sampling) => (alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to);

/** The two places that each place of the result lies between, and how far it is from the first. */
function between(from: number, to: number, sampling: Sampling): { below: number[]; above: number[]; fraction: number[] } {
  const scale = ratio(from, to, sampling);
  const positions = range(to).map((i) => (sampling.halfPixelCenters ? scale * (i + 0.5) - 0.5 : scale * i));
  const below = positions.map((position) => Math.max(0, Math.floor(position)));
  return {
    below,
    above: positions.map((position) => Math.min(from - 1, Math.ceil(position))),
    fraction: positions.map((position, i) => position - below[i]!),
  };
}

function nearest(from: number, to: number, sampling: Sampling): number[] {
  const scale = ratio(from, to, sampling);
  return range(to).map((i) => {
    const position = sampling.halfPixelCenters ? scale * (i + 0.5) : scale * i;
    return Math.max(0, Math.min(from - 1, sampling.alignCorners ? Math.round(position) : Math.floor(position)));
  });
}

/** One axis of images (B, H, W, C). */
function interpolate(b: Builder, x: Tensor, axis: number, to: number, sampling: Sampling): Tensor {
  const { below, above, fraction } = between(x.shape[axis]!, to, sampling);
  const [first, second] = [take(b, x, b.integers(below), axis), take(b, x, b.integers(above), axis)];
  const weights = b.floats(fraction, x.shape.map((_, i) => (i === axis ? to : 1)));
  return b.add(first, b.multiply(b.subtract(second, first), weights));
}

const bilinear: Lowering = (b, call) => {
  const images = b.convert(input(call, 'images'), 'f32');
  const [, height, width] = output(call).shape as [number, number, number, number];
  return interpolate(b, interpolate(b, images, 1, height, samplingOf(call)), 2, width, samplingOf(call));
};

const nearestNeighbor: Lowering = (b, call) => {
  const images = input(call, 'images');
  return [1, 2].reduce((x, axis) => {
    const places = nearest(images.shape[axis]!, output(call).shape[axis]!, samplingOf(call));
    return take(b, x, b.integers(places), axis);
  }, images);
};

/** Product with a matrix (from, to) along one axis. */
function spread(b: Builder, dy: Tensor, axis: number, from: number, weights: readonly (readonly [place: number, weight: number])[][]): Tensor {
  const matrix = new Float32Array(from * weights.length);
  weights.forEach((entries, i) => entries.forEach(([place, weight]) => (matrix[place * weights.length + i]! += weight)));
  const product = b.dot(dy, b.floats(matrix, [from, weights.length]), { contract: [[axis], [1]] });
  const rank = dy.shape.length;
  // The product has the new axis at the end.
  return b.transpose(product, [...range(axis), rank - 1, ...range(rank - 1 - axis).map((i) => axis + i)]);
}

const gradient =
  (weights: (from: number, to: number, sampling: Sampling) => (readonly [number, number])[][]): Lowering =>
  (b, call) => {
    // The gradients of tfjs do not know halfPixelCenters.
    const sampling = { ...samplingOf(call), halfPixelCenters: false };
    const { shape } = output(call);
    return [1, 2].reduce((dy, axis) => spread(b, dy, axis, shape[axis]!, weights(shape[axis]!, dy.shape[axis]!, sampling)), input(call, 'dy'));
  };

export const resize: LoweringTable = {
  ResizeBilinear: bilinear,
  ResizeBilinearGrad: gradient((from, to, sampling) => {
    const { below, above, fraction } = between(from, to, sampling);
    return below.map((place, i) => [[place, 1 - fraction[i]!] as const, [above[i]!, fraction[i]!] as const]);
  }),
  ResizeNearestNeighbor: nearestNeighbor,
  ResizeNearestNeighborGrad: gradient((from, to, sampling) => nearest(from, to, sampling).map((place) => [[place, 1] as const])),
};
