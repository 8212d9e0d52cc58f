import { examples, listOf, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { evaluationOptions, testOption } from './shared-options';
import { cosine } from './values';

/** `retrieval` and `copies`. */
export function addWholePictures(program: Command): void {
  testOption(evaluationOptions(program.command('retrieval').description('instance retrieval by class tokens: mAP, GAP'), 'labelled folder as for knn; with --ground-truth the folder of its pictures'))
    .option('--ground-truth <json>', 'queries and what is right, as the revisited Oxford and Paris sets have it')
    .addOption(new Option('--kappas <list>', 'lengths of lists whose precision is told').argParser(listOf(wholeNumber(1))).default([1, 5, 10], '1,5,10'))
    .addHelpText('after', examples(
      'dinov2-probe retrieval --baselines',
      'dinov2-probe retrieval --weights dinov2-small --ground-truth gnd_roxford5k.json --data oxford/jpg',
    ))
    .action(async (options) => (await import('../commands/retrieval')).retrievalCommand(options));
  evaluationOptions(program.command('copies').description('checks without labels: near copies, RankMe, alignment, uniformity'), 'folder of pictures, or a list')
    .addOption(new Option('--threshold <cosine>', 'what is called a near copy').argParser(cosine).default(0.95))
    .addOption(new Option('--k <n>', 'neighbours of each picture').argParser(wholeNumber(1)).default(7))
    .addOption(new Option('--views <n>', 'pictures of which two augmented views are compared').argParser(wholeNumber(1)).default(256))
    .addHelpText('after', examples(
      'dinov2-probe copies --data photos --out copies',
      'dinov2-probe copies --weights runs/a --weights runs/b --data photos --baselines',
    ))
    .action(async (options) => (await import('../commands/copies')).copiesCommand(options));
}
