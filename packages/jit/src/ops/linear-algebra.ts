import { backend_util, util } from '@tensorflow/tfjs-core';
import { dims, float32, op, size, type OpTable, type Specs } from './op';

interface MatMul {
  transposeA: boolean;
  transposeB: boolean;
}

const matMulShape = ({ a, b }: Specs, { transposeA, transposeB }: MatMul): number[] => {
  const [m, k] = transposeA ? [a.shape.at(-1), a.shape.at(-2)] : [a.shape.at(-2), a.shape.at(-1)];
  const [l, n] = transposeB ? [b.shape.at(-1), b.shape.at(-2)] : [b.shape.at(-2), b.shape.at(-1)];
  util.assert(
    k === l,
    () => `matMul: inner sizes ${k} and ${l} of (${a.shape}) and (${b.shape}) differ (transposeA=${transposeA}, transposeB=${transposeB}).`,
  );
  const batch = backend_util.assertAndGetBroadcastShape(dims(a).slice(0, -2), dims(b).slice(0, -2));
  return [...batch, m as number, n as number];
};

const inner = ({ a }: Specs, { transposeA }: MatMul) => a.shape.at(transposeA ? -2 : -1) as number;

const flags = ({ transposeA, transposeB }: MatMul) => ({
  transposeA: transposeA === true,
  transposeB: transposeB === true,
});

export const linearAlgebra: OpTable = {
  BatchMatMul: op<MatMul>({
    normalize: flags,
    infer: (inputs, attributes) => ({ shape: matMulShape(inputs, attributes), dtype: inputs.a.dtype }),
    flops: (inputs, [y], attributes) => 2 * size(y) * inner(inputs, attributes),
  }),
  Einsum: op<{ equation: string }>({
    infer: (inputs, { equation }) => {
      const operands = Object.values(inputs);
      const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(equation, operands.length);
      backend_util.checkEinsumDimSizes(allDims.length, idDims, operands as never);
      const sizes: number[] = [];
      idDims.forEach((ids, i) => ids.forEach((id, axis) => (sizes[id] = operands[i].shape[axis])));
      return float32(sizes.filter((_, id) => !summedDims.includes(id)));
    },
    flops: (inputs, _, { equation }) => {
      const operands = Object.values(inputs);
      const { idDims } = backend_util.decodeEinsumEquation(equation, operands.length);
      const sizes: number[] = [];
      idDims.forEach((ids, i) => ids.forEach((id, axis) => (sizes[id] = operands[i].shape[axis])));
      return operands.length * sizes.reduce((a, b) => a * b, 1);
    },
  }),
  _FusedMatMul: op<MatMul & { activation?: string; leakyreluAlpha?: number }>({
    normalize: (attributes) => ({
      ...flags(attributes),
      activation: attributes.activation ?? 'linear',
      ...(attributes.leakyreluAlpha === undefined ? {} : { leakyreluAlpha: attributes.leakyreluAlpha }),
    }),
    infer: (inputs, attributes) => ({ shape: matMulShape(inputs, attributes), dtype: inputs.a.dtype }),
    flops: (inputs, [y], attributes) => (2 * inner(inputs, attributes) + 2) * size(y),
  }),
};
