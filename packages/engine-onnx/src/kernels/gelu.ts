import { elements, kernel } from './kernel';

export const geluGrad = kernel({
  name: 'GeluGrad',
  inPlace: [[1, 0], [0, 0]],
  run: (wasm, node, { inputs: [x, dy], outputs: [dx] }) => wasm.geluGrad(x, dy, dx, elements(node)),
});
