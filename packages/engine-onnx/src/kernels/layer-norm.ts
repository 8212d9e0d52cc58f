import { kernel, numberOf, rowsOf } from './kernel';

export const layerNormGrad = kernel({
  name: 'LayerNormGrad',
  inPlace: [[2, 0], [0, 0]],
  scratchBytes: (node) => 64 + 8 * rowsOf(node.inputs.x.shape)[1],
  run(wasm, node, { inputs: [x, gamma, dy], outputs: [dx, dgamma, dbeta], scratch }) {
    const [rows, columns] = rowsOf(node.inputs.x.shape);
    wasm.layerNormGrad(x, gamma, dy, dx, dgamma, dbeta, scratch, rows, columns, numberOf(node, 'epsilon'));
  },
});
