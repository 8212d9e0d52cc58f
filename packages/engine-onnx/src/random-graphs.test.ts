import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceArray } from '@dinov2/jit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLikeTfjs, hostInputs, randomGraphs, square } from '../../../tests/support/engine-cases/random-graphs';
import type { HeapArray } from './device-array';
import { onnxEngine } from './index';

const onnx = onnxEngine({ threads: 2 });
// Two small heaps: arguments, outputs and temporary memory end up in different ones.
const crowded = onnxEngine({ threads: 2, memoryBytes: 1 << 16 });

beforeAll(() => tf.setBackend('cpu'));
afterAll(async () => {
  await onnx.dispose();
  await crowded.dispose();
});

describe('random graphs', () => {
  it.each([
    ['one heap', onnx],
    ['many heaps', crowded],
  ])('give what tfjs gives, whatever is donated, shared and overwritten (%s)', async (_name, engine) => {
    await fc.assert(fc.asyncProperty(randomGraphs, async (example) => expectLikeTfjs(engine, example)), { numRuns: 150 });
  });

  it('run many times without growing the heap, with the memory they reported', async () => {
    await fc.assert(
      fc.asyncProperty(randomGraphs, async (example) => {
        const engine = onnxEngine({ threads: 2 });
        const { heaps } = engine.put(new Float32Array(16), square, 'float32') as HeapArray;
        const before = heaps.used;
        const executable = await engine.compile(example.graph, example);
        const constants = heaps.used - before;
        let inputs: DeviceArray[] = hostInputs(example.graph).map((data) => engine.put(data, square, 'float32'));
        const withInputs = heaps.used;
        let steady = 0;
        for (let run = 0; run < 4; run++) {
          heaps.resetPeak();
          const outputs = await executable.run(inputs);
          if (run === 0) {
            const measured = heaps.peak - withInputs + constants;
            const { temporary, outputs: reported } = executable.memory;
            // Blocks are multiples of 64 bytes, as all tensors here are but the scalars of Fill.
            expect(measured).toBeLessThanOrEqual(temporary + reported + 64);
            // The one constant may be part of a session, and its bytes outside the heap.
            expect(measured).toBeGreaterThanOrEqual(temporary + reported - 64);
          }
          const donated = new Map(example.donations);
          inputs = inputs.map((input, i) => (donated.has(i) ? outputs[donated.get(i) as number] : input));
          outputs.forEach((output) => inputs.includes(output) || output.dispose());
          if (run === 0) steady = heaps.used;
          expect(heaps.used).toBe(steady);
        }
        executable.dispose();
        await engine.dispose();
      }),
      { numRuns: 20 },
    );
  });
});
