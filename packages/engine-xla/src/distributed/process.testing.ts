/** Program of one process of several, for the test beside it: sums over all devices, step by step, until it fails. */
import type { Graph, Value } from '@dinov2/jit';
import { redisStore, xlaEngine } from '../index';

const [plugin, url, index, count] = process.argv.slice(2) as [string, string, string, string];
const processes = Number(count);
const store = await redisStore({ url });
const x: Value = { id: 0, shape: [2 * processes], dtype: 'float32', sharding: [['data']] };
const sum: Value = { id: 1, shape: [], dtype: 'float32' };
const graph: Graph = {
  inputs: [x],
  outputs: [sum],
  nodes: [{ op: 'Sum', inputs: { x }, attributes: { axis: [0], keepDims: false }, outputs: [sum] }],
  constants: new Map(),
};
try {
  const engine = await xlaEngine({
    plugin,
    mesh: { data: 2 * processes },
    cacheFolder: null,
    pluginOptions: { device_count: 2 },
    distributed: { process: Number(index), processes, store, silenceMs: 5000 },
  });
  const executable = await engine.compile(graph, { donations: [] });
  for (let step = 1; ; step++) {
    const input = engine.assemble(x.shape, 'float32', x.sharding!, () => Float32Array.of(step));
    const [total] = await executable.run([input]);
    console.log(`step ${step}: ${(await total!.data())[0]}`);
    input.dispose();
    total!.dispose();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
} catch (error) {
  console.log(`failed: ${(error as Error).message}`);
  process.exit(7);
}
