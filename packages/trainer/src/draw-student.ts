import { availableParallelism } from 'node:os';
import type { HostArray } from '@dinov2/jit';
import { type InitialArray, makeArray } from '@dinov2/vit';
import type { TrainerConfig } from './config';
import { type Drawing, drawInThreads } from './draw-threads';
import { initialStudent, mapSubmodules, planStudent, type Submodules } from './state';

/**
 * The parameters of {@link initialStudent}, to the bit, drawn by several threads where that is faster.
 *
 * @param threads - how many; by default those that pay, at most one per core.
 * @throws VitError if the given backbone is not one of the configuration.
 * @throws TrainerError if the given heads are not those of the configuration, or a thread fails.
 */
export async function drawStudent(
  config: TrainerConfig,
  weights: Partial<Submodules<HostArray>> = {},
  threads?: number,
): Promise<Submodules<HostArray>> {
  const plan = planStudent(config, weights);
  const drawings = new Map<InitialArray, Drawing>();
  mapSubmodules(plan, (array) => {
    if ('data' in array || 'constant' in array.values || 'list' in array.values) return;
    drawings.set(array, [array.shape.reduce((a, b) => a * b, 1), array.values, array.state]);
  });
  const count = threads ?? threadsFor([...drawings.values()]);
  if (count < 2) return initialStudent(config, weights);

  // The longest first: one that begins last would be waited for.
  const order = [...drawings].sort(([, a], [, b]) => cost(b) - cost(a));
  const values = await drawInThreads(order.map(([, drawing]) => drawing), count);
  const drawn = new Map(order.map(([array], i) => [array, values[i]]));
  return mapSubmodules(plan, (array) => {
    if ('data' in array) return array;
    const data = drawn.get(array);
    return data === undefined ? makeArray(array) : { data, shape: array.shape };
  });
}

/** Normal values, a tenth of a second of them, for which it pays to start a thread. */
const valuesPerThread = 3e6;

function threadsFor(drawings: readonly Drawing[]): number {
  const values = drawings.reduce((sum, drawing) => sum + cost(drawing), 0);
  return Math.min(availableParallelism(), Math.floor(values / valuesPerThread));
}

/** In normal values. A uniform one needs neither logarithm nor cosine, and half of the random bits. */
function cost([length, distribution]: Drawing): number {
  return 'normal' in distribution ? length : length / 6;
}
