import { allFloat32, kernel, numberOf, pointerNamed } from './kernel';

export const sinkhornKnopp = kernel({
  name: 'SinkhornKnopp',
  supports: (node) => allFloat32(node) && numberOf(node, 'iterations') >= 1,
  scratchBytes(node) {
    const [rows, columns] = node.inputs.logits.shape;
    return 24 * rows + 4 * columns;
  },
  run(wasm, node, { inputs, outputs: [out], scratch }) {
    const [rows, columns] = node.inputs.logits.shape;
    const [logits, temperature, valid] = ['logits', 'temperature', 'valid'].map((name) =>
      pointerNamed(node, inputs, name),
    );
    wasm.sinkhornKnopp(logits, temperature, valid, out, scratch, rows, columns, numberOf(node, 'iterations'));
  },
});
