import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceArray, Engine } from '@dinov2/jit';
import fc from 'fast-check';
import { beforeAll, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { expectLikeTfjs, hostInputs, type RandomGraph, randomGraphs, reference, square } from '../../../tests/support/engine-cases/random-graphs';
import { describeTensorflow, engine } from './engine.testing';

beforeAll(() => tf.setBackend('cpu'));

describeTensorflow('random graphs', () => {
  it('give what tfjs gives, whatever is donated and shared', async () => {
    await fc.assert(fc.asyncProperty(randomGraphs, async (example) => expectLikeTfjs(await engine(), example)), { numRuns: 100 });
  });

  it('give in every run what tfjs gives, arrays passed from one run to the next and between two executables', async () => {
    await fc.assert(
      fc.asyncProperty(randomGraphs, async (example) => {
        const replay = async (engine: Engine, { graph, donations }: RandomGraph) => {
          const executables = [await engine.compile(graph, { donations }), await engine.compile(graph, { donations })];
          let inputs: DeviceArray[] = hostInputs(graph).map((data) => engine.put(data, square, 'float32'));
          const seen: Float32Array[] = [];
          for (const which of [0, 0, 1, 0, 1, 1]) {
            const outputs = await executables[which].run(inputs);
            const donated = new Map(donations);
            if (seen.length % 2 === 0) for (const output of outputs) seen.push((await output.data()).map(Math.tanh) as Float32Array);
            inputs = inputs.map((input, i) => (donated.has(i) ? outputs[donated.get(i) as number] : input));
            outputs.forEach((output) => inputs.includes(output) || output.dispose());
          }
          executables.forEach((executable) => executable.dispose());
          for (const input of inputs) seen.push((await input.data()).map(Math.tanh) as Float32Array);
          inputs.forEach((input) => input.dispose());
          return seen;
        };
        const expected = await replay(reference, example);
        const actual = await replay(await engine(), example);
        // Values grow over the runs, and with them their differences; their hyperbolic tangents stay comparable unless a sign is open.
        actual.forEach((data, i) => expectAllclose(data, expected[i], { rtol: 1e-2, atol: 1e-2 }));
      }),
      { numRuns: 20 },
    );
  });
});
