import { kernel, numberOf, rowsOf } from './kernel';

export const weightNorm = kernel({
  name: 'WeightNorm',
  inPlace: [[0, 0]],
  run: (wasm, node, { inputs: [v, g], outputs: [w] }) => wasm.weightNorm(v, g, w, ...rowsOf(node.inputs.v.shape)),
});

export const weightNormGrad = kernel({
  name: 'WeightNormGrad',
  inPlace: [[2, 0], [0, 0]],
  run: (wasm, node, { inputs: [v, g, dw], outputs: [dv, dg] }) =>
    wasm.weightNormGrad(v, g, dw, dv, dg, ...rowsOf(node.inputs.v.shape)),
});

export const l2Normalize = kernel({
  name: 'L2Normalize',
  inPlace: [[0, 0]],
  run: (wasm, node, { inputs: [x], outputs: [y] }) =>
    wasm.l2Normalize(x, y, ...rowsOf(node.inputs.x.shape), numberOf(node, 'epsilon')),
});

export const l2NormalizeGrad = kernel({
  name: 'L2NormalizeGrad',
  inPlace: [[1, 0], [0, 0]],
  run: (wasm, node, { inputs: [x, dy], outputs: [dx] }) =>
    wasm.l2NormalizeGrad(x, dy, dx, ...rowsOf(node.inputs.x.shape), numberOf(node, 'epsilon')),
});
