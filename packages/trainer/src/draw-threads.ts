import { Worker } from 'node:worker_threads';
import { drawFloats } from '@dinov2/primitives';
import { TrainerError } from './errors';

/** Arguments of {@link drawFloats}. */
export type Drawing = Readonly<Parameters<typeof drawFloats>>;

/** Have arrays drawn by threads, each of which takes the next one of the list when it has finished one. */
export function drawInThreads(drawings: readonly Drawing[], threads: number): Promise<Float32Array[]> {
  return new Promise((resolve, reject) => {
    const drawn = new Array<Float32Array>(drawings.length);
    let missing = drawings.length;
    if (missing === 0) resolve(drawn);
    const next = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < Math.min(threads, drawings.length); i++) {
      const worker = new Worker(workerText, { eval: true, workerData: { drawings, next } });
      worker.on('message', ([index, values]: [number, Float32Array]) => {
        drawn[index] = values;
        if (--missing === 0) resolve(drawn);
      });
      worker.on('error', (cause) => {
        Atomics.store(next, 0, drawings.length); // the others stop
        reject(new TrainerError(`a thread that draws initial weights failed: ${cause}`, { cause }));
      });
    }
  });
}

// A thread is started from text and not from a file: all that it needs is one function. Arrays are handed over, not copied.
const workerText = `
  const { parentPort, workerData: { drawings, next } } = require('node:worker_threads');
  const draw = ${drawFloats.toString()};
  for (let i; (i = Atomics.add(next, 0, 1)) < drawings.length; ) {
    const values = draw(...drawings[i]);
    parentPort.postMessage([i, values], [values.buffer]);
  }
`;
