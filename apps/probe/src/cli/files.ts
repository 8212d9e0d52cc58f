import type { Command } from 'commander';
import { examples } from './shared-options';

/** `compare`. */
export function addFiles(program: Command): void {
  program
    .command('compare')
    .description('put results side by side as a page')
    .argument('<result...>', 'result.json files, or the folders that hold them')
    .option('-o, --out <file>', 'the page', 'compare.html')
    .addHelpText('after', examples(
      'dinov2-probe compare runs/a/probe/knn runs/b/probe/knn -o a-and-b.html',
      'dinov2-probe compare results/*/linear',
    ))
    .action(async (results: string[], options) => (await import('../commands/compare')).compareCommand(results, options));
}
