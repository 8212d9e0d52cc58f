import { join } from 'node:path';
import { CurationError } from '../error';
import type { RunResult } from '../plan/curate';
import { readJson, runFiles, stepFiles } from '../plan/run-files';
import type { StepResult } from '../plan/run-steps';

/** What a finished run wrote of itself. */
export interface RunResults {
  readonly folder: string;
  readonly result: RunResult;
  readonly steps: readonly StepResult[];
}

/**
 * Read the results of a run.
 *
 * @throws CurationError when the run is not finished.
 */
export function readRunResults(folder: string): RunResults {
  const result = present<RunResult>(join(folder, runFiles.result));
  return { folder, result, steps: result.steps.map((step) => present<StepResult>(join(folder, runFiles.steps, step, stepFiles.result))) };
}

function present<T>(path: string): T {
  const found = readJson<T>(path);
  if (found === undefined) throw new CurationError(`${path} is missing; finish the run with: dinov2-curate run plan.yaml`);
  return found;
}
