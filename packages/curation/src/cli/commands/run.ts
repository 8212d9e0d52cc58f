import { relative } from 'node:path';
import pc from 'picocolors';
import { curate } from '../../plan/curate';
import { terminalReporter } from '../../plan/reporter';
import type { Shard } from '../../kmeans/shards';
import { describePlan } from '../../plan/plan-yaml';
import { openPlan, type PlanOptions } from './open-plan';
import { sourceTable } from '../source-table';

interface RunOptions extends PlanOptions {
  readonly step?: string;
  readonly from?: string;
  readonly shard?: Shard;
}

/** `dinov2-curate run` */
export async function runCommand(paths: readonly string[], options: RunOptions): Promise<void> {
  const plan = openPlan(paths, options);
  console.log(`${pc.bold('run')}   ${relative('.', plan.out) || '.'}`);
  console.log(`${pc.bold('plan')}  ${describePlan(plan)}`);
  const outcome = await curate(plan, {
    reporter: terminalReporter(),
    ...(options.step !== undefined && { only: options.step }),
    ...(options.from !== undefined && { from: options.from }),
    ...(options.shard && { shard: options.shard }),
  });
  if (outcome === undefined) return;
  console.log(`\n${sourceTable(outcome.result)}`);
  console.log(`\n${pc.bold('report')}    ${relative('.', outcome.report)}`);
  console.log(`${pc.bold('manifest')}  ${relative('.', outcome.manifest)}`);
  console.log(`next      dinov2-pretrain --data ${relative('.', outcome.manifest)}`);
}
