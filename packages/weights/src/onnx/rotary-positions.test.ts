import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ropePeriods, vitConfig } from '@dinov2/vit';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { GraphBuilder } from './graph';
import { rotaryPositions } from './rotary-positions';
import { writeModel } from './write-model';

it('turns patches by the angles of the reference, and leaves other tokens', async () => {
  const config = vitConfig('dinov3-small');
  const g = new GraphBuilder('float32');
  const periods = Float32Array.from(ropePeriods(config));
  const { sin } = rotaryPositions(g, config, { data: periods, shape: [periods.length] }, { rows: 'rows', columns: 'columns' });
  const folder = await mkdtemp(join(tmpdir(), 'rotary-'));
  const path = join(folder, 'rotary.onnx');
  await writeModel(
    path,
    { irVersion: 8, operatorSet: 17, producer: 'test', metadata: {} },
    {
      nodes: g.nodes,
      initializers: g.initializers,
      inputs: ['rows', 'columns'].map((name) => ({ name, type: 'int64', shape: [] })),
      outputs: [{ name: sin, type: 'float32', shape: ['tokens', 64] }],
    },
  );
  const session = await InferenceSession.create(path);
  const { [sin]: table } = await session.run({
    rows: new Tensor('int64', BigInt64Array.of(2n), []),
    columns: new Tensor('int64', BigInt64Array.of(3n), []),
  });
  const values = table!.data as Float32Array;
  const at = (token: number, feature: number): number => values[token * 64 + feature]!;
  // Class token and four registers, then 2 x 3 patches.
  expect(table!.dims).toEqual([11, 64]);
  expect(values.subarray(0, 5 * 64).every((value) => value === 0)).toBe(true);
  // DINOv3's values for this grid at periods 1.33352 and 1; the first half is negated.
  expect(at(5, 32 + 1)).toBeCloseTo(-0.707342, 5);
  expect(at(5, 32 + 16)).toBeCloseTo(0.866025, 5);
  expect(at(5, 1)).toBeCloseTo(0.707342, 5);
  expect(at(5, 16)).toBeCloseTo(-0.866025, 5);
  await rm(folder, { recursive: true });
});
