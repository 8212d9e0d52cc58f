import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PositionInterpolation, vitConfig } from '@dinov2/vit';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { GraphBuilder } from './graph';
import { resampledPositions } from './position-table';
import { writeModel } from './write-model';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'positions-'));
});
afterAll(() => rm(folder, { recursive: true }));

const side = 4;

/** A table of 4 x 4 positions, resampled by a graph to (rows, columns). */
async function resampler(table: Float32Array, interpolation: PositionInterpolation): Promise<(rows: number, columns: number) => Promise<Float32Array>> {
  const config = vitConfig('tiny', { embedDim: 1, heads: 1, patchSize: 1, imageSize: side, interpolation });
  const g = new GraphBuilder('float32');
  resampledPositions(g, config, { data: Float32Array.of(0, ...table), shape: [1, 17, 1] }, { rows: 'rows', columns: 'columns' });
  const path = join(folder, 'positions.onnx');
  await writeModel(
    path,
    { irVersion: 8, operatorSet: 17, producer: 'test', metadata: {} },
    {
      nodes: g.nodes,
      initializers: g.initializers,
      inputs: ['rows', 'columns'].map((name) => ({ name, type: 'int64', shape: [] })),
      outputs: [{ name: 'positions', type: 'float32', shape: [1, 'count', 1] }],
    },
  );
  const session = await InferenceSession.create(path);
  const count = (value: number): Tensor => new Tensor('int64', BigInt64Array.of(BigInt(value)), []);
  return async (rows, columns) => {
    const { positions } = await session.run({ rows: count(rows), columns: count(columns) });
    expect(positions!.dims).toEqual([1, rows * columns, 1]);
    return positions!.data as Float32Array;
  };
}

// PyTorch's values in float64 for a table whose row i is constant i.
const goldens: readonly (readonly [string, PositionInterpolation, number[], number[]])[] = [
  [
    'an offset of 0.1',
    { offset: 0.1, antialias: false },
    [0.109636, 1.451344, 2.789201],
    [-0.08848, 0.390981, 1.182597, 1.747005, 2.546707, 3.063794],
  ],
  ['exact ratios', { offset: 0, antialias: false }, [0.126157, 1.5, 2.873844], [-0.086806, 0.40625, 1.212963, 1.787037, 2.59375, 3.086806]],
  ['antialiasing', { offset: 0, antialias: true }, [0.189931, 1.5, 2.810069], [-0.065789, 0.411765, 1.166667, 1.833333, 2.588235, 3.065789]],
];

describe.each(goldens)('positions resampled with %s', (_, interpolation, three, six) => {
  const byRow = Float32Array.from({ length: side * side }, (_, i) => Math.floor(i / side));
  const byColumn = Float32Array.from({ length: side * side }, (_, i) => i % side);

  it('are those of PyTorch on both axes', async () => {
    const down = await resampler(byRow, interpolation);
    // Rounded to 6 digits, and float32 arithmetic.
    for (const profile of [three, six]) {
      const expected = profile.flatMap((value) => [value, value, value, value, value]);
      expectAllclose(await down(profile.length, 5), expected, { rtol: 0, atol: 3e-6 });
    }
    const across = await resampler(byColumn, interpolation);
    for (const profile of [three, six]) {
      expectAllclose(await across(2, profile.length), [...profile, ...profile], { rtol: 0, atol: 3e-6 });
    }
  });

  it("are the table itself on the table's grid", async () => {
    const table = Float32Array.from({ length: side * side }, (_, i) => Math.sin(i));
    expect(await (await resampler(table, interpolation))(side, side)).toEqual(table);
  });
});
