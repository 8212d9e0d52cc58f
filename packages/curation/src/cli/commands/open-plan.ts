import { extname } from 'node:path';
import { CurationError } from '../../error';
import { planFor, readPlan } from '../../plan/resolve-plan';
import type { Plan } from '../../plan/schema';

/** Options over those of a plan. */
export interface PlanOptions {
  readonly out?: string;
  readonly weights?: string;
  readonly seed?: number;
}

const isPlan = (path: string) => ['.yaml', '.yml'].includes(extname(path).toLowerCase());

/** The plan of a file, or the default plan for folders, lists and tars. */
export function openPlan(paths: readonly string[], { out, weights, seed }: PlanOptions): Plan {
  const overrides = { ...(out !== undefined && { out }), ...(weights !== undefined && { weights }), ...(seed !== undefined && { seed }) };
  if (!paths.some(isPlan)) return planFor(paths, overrides);
  if (paths.length > 1) throw new CurationError(`${paths.length} paths of which one is a plan; name the sources in the plan, or pass folders alone`);
  return readPlan(paths[0]!, overrides);
}
