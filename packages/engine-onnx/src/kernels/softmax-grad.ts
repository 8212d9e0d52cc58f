import { kernel, rowsOf } from './kernel';

/** Probabilities p and their gradient dp to `scale · p (dp − Σ p dp)`, along the last axis. */
export const softmaxGrad = kernel({
  name: 'SoftmaxGrad',
  inPlace: [[1, 0], [0, 0]],
  run(wasm, node, { inputs: [p, dp], outputs: [ds] }) {
    const [rows, columns] = rowsOf(node.outputs[0].shape);
    wasm.softmaxGrad(p, dp, ds, rows, columns, (node.attributes.scale as number | undefined) ?? 1);
  },
});
