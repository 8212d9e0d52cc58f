import { kernel } from './kernel';

const integers: ReadonlySet<string> = new Set(['indices', 'start', 'count']);

export const mergeTopK = kernel({
  name: 'MergeTopK',
  supports: (node) =>
    Object.entries(node.inputs).every(([name, value]) => value.dtype === (integers.has(name) ? 'int32' : 'float32')),
  inPlace: [[0, 0], [1, 1]],
  run(wasm, node, { inputs: [values, indices, scores, start, count], outputs: [outValues, outIndices] }) {
    const [rows, columns] = node.inputs.scores.shape;
    wasm.mergeTopK(values, indices, scores, start, count, outValues, outIndices, rows, columns, node.inputs.values.shape[1]);
  },
});
