import { describe, expect, it } from 'vitest';
import { checkPrimitive, float32, type HostTensor, int32, nodeOf, normal, runKernel } from './check';

const tolerance = { rtol: 1e-5, atol: 1e-5 };
const rows = int32([4, 0, 2]);
// (inner, D)
const sizes = [[1, 1], [2, 3], [5, 8], [3, 35], [40, 6]] as const;

describe.each(sizes)('residual rows of (%i, %i)', (inner, columns) => {
  const x = () => normal([5, inner, columns]);
  const some = () => normal([3, inner, columns]);
  const gamma = () => normal([columns]);
  const attributes = { scale: 5 / 3 };

  it('AddScaledRows agrees with the fallback with and without gamma and rows', async () => {
    for (const inputs of [
      { x: x(), y: x() },
      { x: x(), y: x(), gamma: gamma() },
      { x: x(), y: some(), rows },
      { x: x(), y: some(), gamma: gamma(), rows },
    ] as Record<string, HostTensor>[]) {
      await checkPrimitive('AddScaledRows', inputs, attributes, tolerance);
    }
  });

  it('AddScaledRowsGrad agrees with the fallback with and without gamma and rows', async () => {
    for (const inputs of [
      { dout: x(), y: x() },
      { dout: x(), y: x(), gamma: gamma() },
      { dout: x(), y: some(), rows },
      { dout: x(), y: some(), gamma: gamma(), rows },
    ] as Record<string, HostTensor>[]) {
      await checkPrimitive('AddScaledRowsGrad', inputs, attributes, tolerance);
    }
  });

  it('TakeRows and TakeRowsGrad agree with the fallback', async () => {
    await checkPrimitive('TakeRows', { x: x(), rows }, {}, { rtol: 0, atol: 0 });
    await checkPrimitive('TakeRowsGrad', { dy: some(), rows }, { size: 5 }, { rtol: 0, atol: 0 });
  });
});

it('rows of a vector are single values', async () => {
  await checkPrimitive('TakeRows', { x: normal([5]), rows }, {}, { rtol: 0, atol: 0 });
  await checkPrimitive('AddScaledRows', { x: normal([5, 4]), y: normal([3, 4]), rows }, { scale: 2 }, tolerance);
});

it('TakeRowsGrad keeps NaN in its own row', () => {
  const inputs = { dy: float32([NaN, 1], [1, 2]), rows: int32([1]) };
  const node = nodeOf('TakeRowsGrad', inputs, { size: 3 }, [{ shape: [3, 2], dtype: 'float32' }]);
  expect([...runKernel(node, inputs)[0]]).toEqual([0, 0, NaN, 1, 0, 0]);
});
