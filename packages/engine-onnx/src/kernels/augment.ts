import { allFloat32, kernel, sizeOf } from './kernel';

export const colorJitter = kernel({
  name: 'ColorJitter',
  supports: (node) => allFloat32(node) && node.inputs.x.shape.length === 4 && node.inputs.x.shape[3] === 3,
  inPlace: [[0, 0]],
  scratchBytes: () => 48,
  run(wasm, node, { inputs: [x, params], outputs: [out], scratch }) {
    const { shape } = node.inputs.x;
    wasm.colorJitter(x, params, out, scratch, shape[0], sizeOf(shape.slice(1, 3)));
  },
});

export const gaussianBlur = kernel({
  name: 'GaussianBlur',
  scratchBytes(node) {
    const [, , width, channels] = node.inputs.x.shape;
    return 4 * channels * (width + 8);
  },
  run(wasm, node, { inputs: [x, sigma], outputs: [out], scratch }) {
    const [n, height, width, channels] = node.inputs.x.shape;
    wasm.gaussianBlur(x, sigma, out, scratch, n, height, width, channels);
  },
});
