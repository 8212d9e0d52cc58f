import { eagerEngine, type Engine } from '@dinov2/jit';
import { initialize, vitConfig } from '@dinov2/vit';
import '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { CompiledBackbone } from './compiled-backbone';

it('compiles once for each shape of images, and keeps the programs used last', async () => {
  const eager = eagerEngine({ backend: 'cpu' });
  let compiled = 0;
  const engine: Engine = { ...eager, compile: (graph, options) => (compiled++, eager.compile(graph, options)) };
  const config = vitConfig('tiny', { embedDim: 8, depth: 1, heads: 1, patchSize: 4, imageSize: 8 });
  const backbone = new CompiledBackbone(engine, config, initialize(config, 0), { classTokens: 1 }, 2);
  const compiles = async (height: number, width: number) => {
    const before = compiled;
    await backbone.run({ data: new Float32Array(height * width * 3), shape: [1, height, width, 3] });
    return compiled > before;
  };
  expect(await compiles(8, 8)).toBe(true);
  expect(await compiles(8, 4)).toBe(true);
  expect(await compiles(8, 8)).toBe(false);
  expect(await compiles(4, 8)).toBe(true); // in the place of 8 × 4
  expect(await compiles(8, 8)).toBe(false);
  expect(await compiles(8, 4)).toBe(true);
  // More shapes at once than are kept.
  expect(await Promise.all([compiles(16, 4), compiles(4, 16), compiles(16, 8), compiles(8, 16)])).toEqual([true, true, true, true]);
  backbone.close();
  await engine.dispose();
});
