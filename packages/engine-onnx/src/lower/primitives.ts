import { float } from '../builder';
import { gemm } from './linear-algebra';
import type { Lowering, LoweringTable } from './lowering';

const linear: Lowering = (b, { inputs: { x, weight, bias } }) => gemm(b, x, weight, { transposeB: true, bias });

const layerNorm: Lowering = (b, { inputs: { x, gamma, beta }, attributes, outputs: [y] }) =>
  b.ort('LayerNormalization', [x, gamma, beta], y, {
    attributes: { axis: -1, epsilon: float(attributes.epsilon as number) },
    inPlace: [[0, 0]],
  });

const gelu: Lowering = (b, { inputs: { x }, outputs: [y] }) =>
  b.ort('Gelu', [x], y, { domain: 'com.microsoft' });

const rotaryEmbedding: Lowering = (b, { inputs: { x, cos, sin }, outputs: [y] }) =>
  // One position for the whole batch: that of the first token, from which they count on.
  b.ort('RotaryEmbedding', [x, b.integers([0]), cos, sin], y, { domain: 'com.microsoft' });

/** Primitives for which ONNX Runtime has the best kernel. The others run on WebAssembly or are taken apart. */
export const primitiveOps: LoweringTable = {
  Gelu: gelu,
  LayerNorm: layerNorm,
  Linear: linear,
  RotaryEmbedding: rotaryEmbedding,
};
