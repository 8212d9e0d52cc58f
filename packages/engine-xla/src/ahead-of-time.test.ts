import type { Graph, Value } from '@dinov2/jit';
import { describe, expect, it } from 'vitest';
import { compileAheadOfTime } from './ahead-of-time';
import { findPlugins } from './discover';
import { pjrtPlugin } from '../../../tests/support/pjrt-plugin';

const plugin = (await findPlugins()).find(({ kind, path }) => kind === 'tpu' && path)?.path;
const skipped = plugin ? '' : ' (skipped: no libtpu; run with VIRTUAL_ENV=<a Python environment in which `pip install libtpu` was run>)';

/** Rows of x and of w are split; w is gathered, and its gradient is scattered. */
const step = (devices: number): Graph => {
  const split = [['data'], []];
  const x: Value = { id: 0, shape: [8 * devices, 1024], dtype: 'float32', sharding: split };
  const w: Value = { id: 1, shape: [1024, 1024], dtype: 'float32', sharding: split };
  const whole: Value = { id: 2, shape: [1024, 1024], dtype: 'float32', sharding: [] };
  const y: Value = { id: 3, shape: [8 * devices, 1024], dtype: 'float32', sharding: split };
  const gradient: Value = { id: 4, shape: [1024, 1024], dtype: 'float32', sharding: split };
  return {
    inputs: [x, w],
    outputs: [gradient],
    nodes: [
      { op: 'Reshard', inputs: { x: w }, attributes: {}, outputs: [whole] },
      { op: 'BatchMatMul', inputs: { a: x, b: whole }, attributes: { transposeA: false, transposeB: false }, outputs: [y] },
      { op: 'BatchMatMul', inputs: { a: x, b: y }, attributes: { transposeA: true, transposeB: false }, outputs: [gradient] },
    ],
    constants: new Map(),
  };
};

describe.skipIf(plugin === undefined)(`compileAheadOfTime${skipped}`, () => {
  it.each([
    ['v5e:2x2', 4, 'TPU v5 lite', 1],
    ['v5e:4x4', 16, 'TPU v5 lite', 4],
    ['v5e:8x8', 64, 'TPU v5 lite', 16],
    ['v5e:16x16', 256, 'TPU v5 lite', 64],
    ['v5p:4x4x4', 64, 'TPU v5', 16],
  ])('compiles for %s', async (topology, count, kind, processes) => {
    const compiled = await compileAheadOfTime(step(count), { plugin: plugin!, topology });
    expect(compiled).toMatchObject({ platform: 'tpu', devices: { count, kind, processes } });
    const bytes = 4 * 2 ** 20;
    expect(compiled.devices.memory).toBeGreaterThan(15 * 2 ** 30);
    // Eight rows of x and a part of w.
    expect(compiled.memory.inputs).toBe(4 * 8 * 1024 + bytes / count);
    expect(compiled.memory.outputs).toBeGreaterThanOrEqual(bytes / count);
    // The weights are gathered and their gradient is reduced, in float32 or bfloat16, by whatever the compiler thinks best there.
    const total = compiled.collectives.reduce((sum, one) => sum + one.bytes, 0);
    expect(total).toBeGreaterThanOrEqual(bytes);
    expect(total).toBeLessThan(2.5 * bytes);
    for (const { devices, bytes, sent } of compiled.collectives) {
      expect(devices).toBe(count);
      expect(sent).toBeLessThan(2 * bytes);
    }
    expect(compiled.hlo).toMatch(/^HloModule [^]*ENTRY %/);
    expect(compiled.serialized.length).toBeGreaterThan(1000);
  });

  it('refuses a topology that is not there and a mesh of another size', async () => {
    await expect(compileAheadOfTime(step(4), { plugin: plugin!, topology: 'v5e:3x3x3' })).rejects.toThrow(/PJRT_TopologyDescription_Create/);
    await expect(compileAheadOfTime(step(4), { plugin: plugin!, topology: 'v5e:2x2', mesh: { data: 8 } })).rejects.toThrow(/has 8 devices and the topology v5e:2x2 has 4/);
  });
});

it.skipIf(pjrtPlugin === undefined)('says what a plugin lacks, and of which version it is', async () => {
  await expect(compileAheadOfTime(step(1), { plugin: pjrtPlugin!, topology: 'any' })).rejects.toThrow(
    /pjrt_cpu.so has no PJRT_TopologyDescription_Create: it was built with version \d+\.\d+ of the C API/,
  );
});
