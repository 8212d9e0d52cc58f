import { preprocessings } from '@dinov2/augment';
import { onnxEngine } from '@dinov2/engine-onnx';
import { eagerEngine } from '@dinov2/jit';
import { initialize, vitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompiledBackbone } from './compiled-backbone';
import { createExtractor } from './create-extractor';
import type { Extractor } from './types';

const config = vitConfig('tiny', { embedDim: 48, depth: 2, heads: 3, patchSize: 8, imageSize: 32, registers: 2, layerScale: 1 });
const backbone = { config, parameters: initialize(config, 1), preprocessing: preprocessings.dinov2 };
const outputs = { classTokens: 2, meanPatch: true, patchTokens: [0, 1], norm: false, attention: true };
const pictures = (batch: number, height: number, width: number) => ({
  data: Float32Array.from({ length: batch * height * width * 3 }, (_, i) => Math.sin(i * i)),
  shape: [batch, height, width, 3],
});

let pool: Extractor;
beforeAll(async () => {
  pool = await createExtractor(backbone, outputs, { workers: 2 });
});
afterAll(() => pool.dispose());

describe('createExtractor in worker threads', () => {
  it('gives what one engine gives, for even and odd batches of any size', async () => {
    const engine = onnxEngine({ threads: 2 }); // beside those of one thread
    const here = await createExtractor(backbone, outputs, { engine });
    for (const [batch, height, width] of [[5, 32, 32], [4, 16, 40], [1, 32, 32], [2, 24, 8]] as const) {
      const images = pictures(batch, height, width);
      const size = images.data.length / batch;
      const found = await pool.extract(images);
      expect(found.count).toBe(batch);
      for (let i = 0; i < batch; i++) {
        const alone = await here.extract({ data: images.data.slice(i * size, (i + 1) * size), shape: [1, height, width, 3] });
        for (const name of ['classTokens', 'meanPatch', 'patchTokens', 'attention'] as const) {
          expect(found[name]!.shape).toEqual([batch, ...alone[name]!.shape.slice(1)]);
          const row = alone[name]!.data;
          // To the bit, whatever it is computed with.
          expect(found[name]!.data.slice(i * row.length, (i + 1) * row.length)).toEqual(row);
        }
      }
    }
    await here.dispose();
    await engine.dispose();
  });

  it.each([
    ['a position table', config],
    ['rotary positions', vitConfig('dinov3-small', { embedDim: 48, depth: 2, heads: 3, patchSize: 8, imageSize: 32, layerScale: 1 })],
  ])('gives what TensorFlow.js gives: %s', async (_, config) => {
    await tf.setBackend('cpu');
    const of = { config, parameters: initialize(config, 2), preprocessing: preprocessings.dinov3 };
    const extractors = [await createExtractor(of, outputs, { workers: 1 }), await createExtractor(of, outputs, { engine: eagerEngine({ backend: 'cpu' }) })];
    const [found, expected] = await Promise.all(extractors.map((extractor) => extractor.extract(pictures(2, 24, 40))));
    for (const name of ['classTokens', 'meanPatch', 'patchTokens', 'attention'] as const) {
      expect(found[name]!.shape).toEqual(expected[name]!.shape);
      // Values of order one, sums of tens of products in float32.
      expected[name]!.data.forEach((value, i) => expect(Math.abs(found[name]!.data[i] - value)).toBeLessThan(1e-5));
    }
    for (const extractor of extractors) await extractor.dispose();
  });

  it('computes several sizes at once on an engine that keeps the program of one', async () => {
    const engine = onnxEngine({ threads: 2 });
    const one = new CompiledBackbone(engine, config, backbone.parameters, outputs, 1);
    const sizes = [pictures(1, 16, 16), pictures(1, 24, 16), pictures(2, 16, 24)];
    const together = await Promise.all([...sizes, ...sizes].map((images) => one.run(images)));
    for (const [i, images] of sizes.entries()) expect(together[i + 3]).toEqual(await one.run(images));
    one.close();
    await engine.dispose();
  });

  it('takes several calls at once and answers each with its own', async () => {
    const calls = [3, 1, 6].map((batch) => pictures(batch, 16, 16));
    const together = await Promise.all(calls.map((images) => pool.extract(images)));
    for (const [i, images] of calls.entries()) expect(together[i]).toEqual(await pool.extract(images));
  });

  it('passes on what goes wrong in a worker, and goes on', async () => {
    await expect(pool.extract(pictures(1, 8, 80_000))).rejects.toThrow();
    expect((await pool.extract(pictures(1, 16, 16))).count).toBe(1);
  });

  it('rejects work after it was disposed', async () => {
    const other = await createExtractor(backbone, { classTokens: 1 }, { workers: 1 });
    const first = expect(other.extract(pictures(1, 16, 16))).rejects.toThrow('the extractor is disposed; create another');
    await other.dispose();
    await first;
    await expect(other.extract(pictures(1, 16, 16))).rejects.toThrow('the extractor is disposed; create another');
    await other.dispose();
  });

  it('refuses a number of workers that makes no sense', async () => {
    await expect(createExtractor(backbone, { classTokens: 1 }, { workers: 0 })).rejects.toThrow('0 workers; pass a whole number from 1');
  });
});
