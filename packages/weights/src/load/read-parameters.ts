import { type HostArray, parameterShapes } from '@dinov2/vit';
import { WeightsError } from '../errors';
import type { WeightsFile } from '../files/weights-file';
import type { Shape } from '../layouts/layout';
import type { Match } from '../layouts/match';

/** Tensors on their way at a time: enough to keep a disk busy, few enough to hold little besides the result. */
const concurrency = 4;

/**
 * Read the pieces of every parameter into its place.
 *
 * @throws WeightsError naming a tensor with values that are not finite.
 */
export async function readParameters(
  file: WeightsFile,
  { config, pieces, backbone: { source }, accounted: { used, masks } }: Match,
): Promise<Record<string, HostArray>> {
  const shapes = parameterShapes(config);
  const parameters: Record<string, HostArray> = {};
  const jobs: (() => Promise<void>)[] = [];
  for (const [parameter, parts] of pieces) {
    const shape = shapes[parameter];
    const data = new Float32Array(size(shape));
    parameters[parameter] = { data, shape };
    let offset = 0;
    for (const piece of parts) {
      const start = offset;
      if ('values' in piece) {
        data.set(piece.values, start);
        offset += piece.values.length;
        continue;
      }
      offset += size(piece.shape);
      const name = source.get(piece.name);
      if (name === undefined || !used.has(piece.name)) continue;
      const end = offset;
      const mask = masks.get(piece.name);
      jobs.push(async () => {
        await file.readInto(name, data, start);
        const values = data.subarray(start, end);
        if (mask !== undefined) await applyMask(file, source.get(mask)!, values);
        checkFinite(file.path, name, values);
      });
    }
  }
  await runAll(jobs);
  return parameters;
}

/** Read whole tensors under other names. */
export async function readTensors(
  file: WeightsFile,
  tensors: ReadonlyMap<string, { readonly name: string; readonly shape: Shape }>,
): Promise<Record<string, HostArray>> {
  const parameters: Record<string, HostArray> = {};
  await runAll(
    [...tensors].map(([parameter, { name, shape }]) => {
      const data = new Float32Array(size(shape));
      parameters[parameter] = { data, shape };
      return async () => {
        await file.readInto(name, data);
        checkFinite(file.path, name, data);
      };
    }),
  );
  return parameters;
}

/** Multiply by a stored mask. One that was never initialised is not finite: it stands for 1, 0, 1 by thirds. */
async function applyMask(file: WeightsFile, name: string, values: Float32Array): Promise<void> {
  const mask = new Float32Array(values.length);
  await file.readInto(name, mask);
  if (!mask.every(Number.isFinite)) mask.fill(1).fill(0, mask.length / 3, (2 * mask.length) / 3);
  for (let i = 0; i < values.length; i++) values[i] = mask[i] === 0 ? 0 : values[i] * mask[i];
}

// Diverged training spoils whole tensors: of large ones a sample is enough, and costs no time.
const sampled = 1 << 16;

function checkFinite(path: string, name: string, values: Float32Array): void {
  const step = Math.max(1, Math.floor(values.length / sampled));
  for (let i = 0; i < values.length; i += step) {
    if (!Number.isFinite(values[i])) {
      throw new WeightsError(`Tensor "${name}" of ${path} holds ${values[i]} at element ${i}: the weights are damaged, or their training diverged. Load an earlier checkpoint.`);
    }
  }
}

async function runAll(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) await jobs[next++]();
  };
  // The others finish their tensor when one fails, so that the file is closed after the last read.
  const results = await Promise.allSettled(Array.from({ length: concurrency }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function size(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}
