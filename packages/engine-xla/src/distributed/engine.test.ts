import type { Graph, Value } from '@dinov2/jit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noPjrtPlugin, pjrtPlugin } from '../../../../tests/support/pjrt-plugin';
import { xlaEngine, type XlaEngine } from '../index';
import { memoryStore } from './memory-store.testing';

describe.skipIf(pjrtPlugin === undefined)(`two processes in one${pjrtPlugin ? '' : ` (skipped: ${noPjrtPlugin})`}`, () => {
  let engines: XlaEngine[];
  beforeAll(async () => {
    const store = memoryStore();
    engines = await Promise.all(
      [0, 1].map((process) =>
        xlaEngine({
          plugin: pjrtPlugin!,
          mesh: { data: 4 },
          cacheFolder: null,
          pluginOptions: { device_count: 2 },
          distributed: { process, processes: 2, store, joinTimeoutMs: 20_000 },
        }),
      ),
    );
  });
  afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

  const x: Value = { id: 0, shape: [8], dtype: 'float32', sharding: [['data']] };
  const sum: Value = { id: 1, shape: [], dtype: 'float32' };
  const doubled: Value = { id: 2, shape: [8], dtype: 'float32', sharding: [['data']] };
  const graph: Graph = {
    inputs: [x],
    outputs: [sum, doubled],
    nodes: [
      { op: 'Sum', inputs: { x }, attributes: { axis: [0], keepDims: false }, outputs: [sum] },
      { op: 'Add', inputs: { a: x, b: x }, attributes: {}, outputs: [doubled] },
    ],
    constants: new Map(),
  };

  it('sums over the devices of both, each of which puts and reads its part', async () => {
    const results = await Promise.all(
      engines.map(async (engine, process) => {
        const asked: number[] = [];
        const input = engine.assemble([8], 'float32', [['data']], ({ start, shape }) => {
          asked.push(start[0]);
          return Float32Array.from({ length: shape[0] }, (_, i) => start[0] + i);
        });
        expect(asked).toEqual(process === 0 ? [0, 2] : [4, 6]);
        const executable = await engine.compile(graph, { donations: [] });
        const [total, twice] = await executable.run([input]);
        expect(await total.data()).toEqual(Float32Array.of(28));
        await expect(twice.data()).rejects.toThrow(new RegExp(`held by process ${1 - process}; read parts\\(\\)`));
        // The sum is whole everywhere, and belongs to the first process.
        expect(total.parts!()).toHaveLength(process === 0 ? 1 : 0);
        return Promise.all(twice.parts!().map(async (part) => [part.start[0], ...(await part.data())]));
      }),
    );
    expect(results).toEqual([
      [[0, 0, 2], [2, 4, 6]],
      [[4, 8, 10], [6, 12, 14]],
    ]);
  });

  it('knows its hosts', async () => {
    expect(engines.map(({ hosts }) => [hosts!.index, hosts!.count])).toEqual([[0, 2], [1, 2]]);
    await Promise.all(engines.map(({ hosts }) => hosts!.barrier('here')));
  });
});
