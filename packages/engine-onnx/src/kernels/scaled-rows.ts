import type { Node } from '@dinov2/jit';
import { kernel, numberOf, pointerNamed, sizeOf } from './kernel';

/** Rows of y, vectors per row and length of a vector, for y (count, ...inner, columns). */
function sizesOfY(node: Node): [count: number, inner: number, columns: number] {
  const { shape } = node.inputs.y;
  return [shape[0], sizeOf(shape.slice(1, -1)), shape[shape.length - 1]];
}

/** float32, with int32 `rows`. */
const supports = (node: Node): boolean =>
  Object.entries(node.inputs).every(([name, value]) => value.dtype === (name === 'rows' ? 'int32' : 'float32'));

export const addScaledRows = kernel({
  name: 'AddScaledRows',
  supports,
  inPlace: [[0, 0]],
  run(wasm, node, { inputs, outputs: [out] }) {
    const [x, y, gamma, rows] = ['x', 'y', 'gamma', 'rows'].map((name) => pointerNamed(node, inputs, name));
    wasm.addScaledRows(x, y, gamma, rows, out, node.inputs.x.shape[0], ...sizesOfY(node), numberOf(node, 'scale'));
  },
});

export const addScaledRowsGrad = kernel({
  name: 'AddScaledRowsGrad',
  supports,
  // Not dout: with `rows`, a row of dy is written before the row of dout at that place is read.
  inPlace: [[1, 0]],
  scratchBytes: (node) => (node.inputs.gamma === undefined ? 0 : 4 * node.inputs.gamma.shape[0]),
  run(wasm, node, { inputs, outputs: [dy, dgamma = 0], scratch }) {
    const [dout, y, gamma, rows] = ['dout', 'y', 'gamma', 'rows'].map((name) => pointerNamed(node, inputs, name));
    wasm.addScaledRowsGrad(dout, y, gamma, rows, dy, dgamma, scratch, ...sizesOfY(node), numberOf(node, 'scale'));
  },
});

const rowBytes = (shape: readonly number[]): number => 4 * sizeOf(shape.slice(1));

export const takeRows = kernel({
  name: 'TakeRows',
  supports,
  run(wasm, node, { inputs: [x, rows], outputs: [out] }) {
    const { shape } = node.outputs[0];
    wasm.takeRows(x, rows, out, shape[0], rowBytes(shape));
  },
});

export const takeRowsGrad = kernel({
  name: 'TakeRowsGrad',
  supports,
  run(wasm, node, { inputs: [dy, rows], outputs: [out] }) {
    const { shape } = node.inputs.dy;
    wasm.takeRowsGrad(dy, rows, out, shape[0], node.outputs[0].shape[0], rowBytes(shape));
  },
});
