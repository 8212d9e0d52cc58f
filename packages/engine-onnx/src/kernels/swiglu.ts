import { kernel, rowsOf } from './kernel';

export const swiglu = kernel({
  name: 'SwiGLU',
  run(wasm, node, { inputs: [x], outputs: [y] }) {
    const [rows, half] = rowsOf(node.outputs[0].shape);
    wasm.swiglu(x, y, rows, half);
  },
});

export const swigluGrad = kernel({
  name: 'SwiGLUGrad',
  inPlace: [[0, 0]],
  run(wasm, node, { inputs: [x, dy], outputs: [dx] }) {
    const [rows, half] = rowsOf(node.inputs.dy.shape);
    wasm.swigluGrad(x, dy, dx, rows, half);
  },
});
