import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CurationError } from '../error';

/** Images that entered a step, and what became of them. */
interface Flow {
  readonly in: number;
  readonly kept: number;
  readonly dropped: number;
  /** Kept, with those that are taken several times counted as often. */
  readonly taken: number;
}

/** `result.json` of a step. */
export interface StepResult extends Flow {
  /** Folder below `steps`. */
  readonly step: string;
  readonly name: string;
  readonly kind: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seconds: number;
  readonly sources: readonly (Flow & { readonly name: string })[];
  readonly reasons: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** `result.json` of a run. */
export interface RunResult {
  readonly plan: Readonly<Record<string, unknown>>;
  readonly embedding: { readonly name: string; readonly columns: number; readonly precision: string; readonly warning?: string };
  readonly sets: readonly {
    readonly name: string;
    readonly role: 'source' | 'query' | 'heldOut';
    readonly path: string;
    readonly found: number;
    readonly unreadable: number;
    readonly images: number;
    readonly final: number;
  }[];
  readonly steps: readonly string[];
  readonly sources: readonly {
    readonly name: string;
    readonly found: number;
    readonly unreadable: number;
    readonly images: number;
    /** Images left after each step, by its folder's name. */
    readonly after: Readonly<Record<string, number>>;
    readonly final: number;
  }[];
  readonly queries: readonly {
    readonly name: string;
    readonly images: number;
    readonly mode: string;
    readonly retrieved: number;
    readonly clusters: number | null;
    readonly final: number;
  }[];
  readonly manifest: { readonly images: number; readonly rows: number };
}

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
export async function readRunResults(folder: string): Promise<RunResults> {
  const result = await readJson<RunResult>(join(folder, 'result.json'));
  return { folder, result, steps: await Promise.all(result.steps.map((step) => readJson<StepResult>(join(folder, 'steps', step, 'result.json')))) };
}

async function readJson<T>(path: string): Promise<T> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new CurationError(`${path} is missing; finish the run with: dinov2-curate run plan.yaml`);
  });
  return JSON.parse(text) as T;
}
