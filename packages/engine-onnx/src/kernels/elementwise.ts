import type { Node } from '@dinov2/jit';
import { allFloat32, elements, kernel, type SimdKernel, sizeOf } from './kernel';

const sameShapes = (node: Node): boolean =>
  allFloat32(node) && Object.values(node.inputs).every(({ shape }) => shape.join() === node.outputs[0].shape.join());

const binary = (name: string, f: 'add' | 'subtract'): SimdKernel =>
  kernel({
    name,
    supports: sameShapes,
    inPlace: [[0, 0], [1, 0]],
    run: (wasm, node, { inputs: [a, b], outputs: [out] }) => wasm[f](a, b, out, elements(node)),
  });

export const add = binary('Add', 'add');
export const subtract = binary('Sub', 'subtract');

const isScalar = ({ shape }: { readonly shape: readonly number[] }): boolean => shape.every((length) => length === 1);

/** Product of equal shapes, or with a scalar on one side. */
export const multiply = kernel({
  name: 'Multiply',
  supports(node) {
    const { a, b } = node.inputs;
    const shape = node.outputs[0].shape.join();
    return (
      sameShapes(node) ||
      (allFloat32(node) && ((isScalar(b) && a.shape.join() === shape) || (isScalar(a) && b.shape.join() === shape)))
    );
  },
  inPlace: [[0, 0], [1, 0]],
  run(wasm, node, { inputs: [a, b], outputs: [out] }) {
    const count = sizeOf(node.outputs[0].shape);
    if (sameShapes(node)) wasm.multiply(a, b, out, count);
    else if (isScalar(node.inputs.b)) wasm.multiplyScalar(a, b, out, count);
    else wasm.multiplyScalar(b, a, out, count);
  },
});

/** tfjs `AddN`: the sum of any number of tensors of one shape. */
export const addN = kernel({
  name: 'AddN',
  supports: (node) => sameShapes(node) && Object.keys(node.inputs).length >= 2,
  // Not in place: an input that is listed twice would be overwritten before it is read again.
  run(wasm, node, { inputs: [first, ...others], outputs: [out] }) {
    let sum = first;
    for (const other of others) {
      wasm.add(sum, other, out, elements(node));
      sum = out;
    }
  },
});
