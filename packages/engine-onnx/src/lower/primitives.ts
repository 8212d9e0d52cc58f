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
  b.ort('Gelu', [x], y, { domain: 'com.microsoft', inPlace: [] });

const takeRows: Lowering = (b, { inputs: { x, rows }, outputs: [y] }) =>
  b.ort('Gather', [x, rows], y, { attributes: { axis: 0 } });

/** Rows are distinct: scattering overwrites zeros. */
const takeRowsGrad: Lowering = (b, { inputs: { dy, rows }, outputs: [dx] }) => {
  const zeros = b.fill(0, dx.shape, 'float32', b.empty(dx.shape));
  const indices = b.view(b.cast(rows, 'int64'), [rows.shape[0], 1]);
  return b.ort('ScatterND', [zeros, indices, dy], dx, { inPlace: [[0, 0]] });
};

/** Primitives for which ONNX Runtime has a good kernel. */
export const primitiveOps: LoweringTable = {
  Gelu: gelu,
  LayerNorm: layerNorm,
  Linear: linear,
  TakeRows: takeRows,
  TakeRowsGrad: takeRowsGrad,
};
