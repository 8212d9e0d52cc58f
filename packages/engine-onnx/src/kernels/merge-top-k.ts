import { kernel, pointerNamed } from './kernel';

const integers: ReadonlySet<string> = new Set(['indices', 'start', 'count', 'rows']);

export const mergeTopK = kernel({
  name: 'MergeTopK',
  supports: (node) =>
    Object.entries(node.inputs).every(([name, value]) => value.dtype === (integers.has(name) ? 'int32' : 'float32')),
  inPlace: [[0, 0], [1, 1]],
  run(wasm, node, { inputs, outputs: [outValues, outIndices] }) {
    const [values, indices, scores, start, count] = inputs;
    const belongs = pointerNamed(node, inputs, 'rows');
    const [rows, columns] = node.inputs.scores.shape;
    const [lists, k] = node.inputs.values.shape;
    wasm.mergeTopK(values, indices, scores, start, count, belongs, outValues, outIndices, lists, rows, columns, k);
  },
});
