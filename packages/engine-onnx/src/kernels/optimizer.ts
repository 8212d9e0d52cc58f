import { elements, kernel, numberOf } from './kernel';

export const squaredNorm = kernel({
  name: 'SquaredNorm',
  run: (wasm, node, { inputs: [x], outputs: [out] }) => wasm.squaredNorm(x, out, elements(node)),
});

export const ema = kernel({
  name: 'Ema',
  inPlace: [[0, 0], [1, 0]],
  run: (wasm, node, { inputs: [target, source, momentum], outputs: [out] }) =>
    wasm.ema(target, source, momentum, out, elements(node)),
});

export const adamW = kernel({
  name: 'AdamW',
  inPlace: [[0, 0], [2, 1], [3, 2]],
  run(wasm, node, { inputs: [param, grad, m, v, hyper], outputs: [nextParam, nextM, nextV] }) {
    const [beta1, beta2, epsilon] = ['beta1', 'beta2', 'epsilon'].map((name) => numberOf(node, name));
    wasm.adamW(param, grad, m, v, hyper, nextParam, nextM, nextV, elements(node), beta1, beta2, epsilon);
  },
});
