import { kernel, numberOf, rowsOf } from './kernel';

export const layerNorm = kernel({
  name: 'LayerNorm',
  inPlace: [[0, 0]],
  run: (wasm, node, { inputs: [x, gamma, beta], outputs: [y] }) =>
    wasm.layerNorm(x, gamma, beta, y, ...rowsOf(node.inputs.x.shape), numberOf(node, 'epsilon')),
});

export const layerNormGrad = kernel({
  name: 'LayerNormGrad',
  inPlace: [[2, 0], [0, 0]],
  scratchBytes: (node) => 64 + 8 * rowsOf(node.inputs.x.shape)[1],
  run(wasm, node, { inputs: [x, gamma, dy], outputs: [dx, dgamma, dbeta], scratch }) {
    const [rows, columns] = rowsOf(node.inputs.x.shape);
    wasm.layerNormGrad(x, gamma, dy, dx, dgamma, dbeta, scratch, rows, columns, numberOf(node, 'epsilon'));
  },
});
