import { allFloat32, kernel, rowsOf } from './kernel';

/** tfjs `Softmax` along the last axis; with an attribute `scale`, softmax(scale · x). */
export const softmax = kernel({
  name: 'Softmax',
  supports(node) {
    const { dim } = node.attributes;
    const rank = node.outputs[0].shape.length;
    return allFloat32(node) && (dim === undefined || dim === -1 || dim === rank - 1);
  },
  inPlace: [[0, 0]],
  run(wasm, node, { inputs: [x], outputs: [y] }) {
    const [rows, columns] = rowsOf(node.outputs[0].shape);
    wasm.softmax(x, y, rows, columns, (node.attributes.scale as number | undefined) ?? 1);
  },
});

/** Probabilities p and their gradient dp to `scale · p (dp − Σ p dp)`, along the last axis. */
export const softmaxGrad = kernel({
  name: 'SoftmaxGrad',
  inPlace: [[1, 0], [0, 0]],
  run(wasm, node, { inputs: [p, dp], outputs: [ds] }) {
    const [rows, columns] = rowsOf(node.outputs[0].shape);
    wasm.softmaxGrad(p, dp, ds, rows, columns, (node.attributes.scale as number | undefined) ?? 1);
  },
});
