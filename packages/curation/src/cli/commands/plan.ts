import { openSource } from '@dinov2/data';
import pc from 'picocolors';
import { chooseWeights } from '../../plan/choose-weights';
import { setsOf } from '../../plan/embed-sets';
import { planYaml } from '../../plan/plan-yaml';
import { openPlan, type PlanOptions } from './open-plan';

/** `dinov2-curate plan`: YAML on the standard output, counts on the other. */
export async function planCommand(paths: readonly string[], options: PlanOptions): Promise<void> {
  const plan = openPlan(paths, options);
  console.log(planYaml(plan).trimEnd());
  for (const { name, role, path } of setsOf(plan)) {
    console.error(`${pc.dim('#')} ${name} (${role === 'heldOut' ? 'held out' : role}): ${openSource(path).paths.length.toLocaleString('en')} images in ${path}`);
  }
  const { weights, warning } = chooseWeights(plan.embed.weights);
  console.error(`${pc.dim('#')} embedded by ${weights}${warning === undefined ? '' : `\n${pc.yellow('warning')} ${warning}`}`);
}
