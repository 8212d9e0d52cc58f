import { type Command, Option } from 'commander';
import { evaluationOptions, examples, testOption } from './shared-options';
import { listOf, positiveNumber, wholeNumber } from './values';

const labelled = 'folder with train/<class>/ and heldout|val|test/<class>/, or lists of path,label';

/** `knn`, `linear` and `logistic`. */
export function addClassification(program: Command): void {
  testOption(evaluationOptions(program.command('knn').description('weighted k-nearest-neighbour classification'), labelled))
    .addOption(new Option('--k <list>', 'numbers of neighbours; the first is the headline').argParser(listOf(wholeNumber(1))).default([20, 10, 100, 200], '20,10,100,200'))
    .addOption(new Option('--temperature <t>', 'divides similarities before the softmax that weighs votes').argParser(positiveNumber).default(0.07))
    .addOption(new Option('--few-shot <list>', 'also with so many training images of each class').argParser(listOf(wholeNumber(1))).default([], 'none'))
    .addOption(new Option('--tries <n>', 'random choices of those, averaged').argParser(wholeNumber(1)).default(5))
    .addHelpText('after', examples(
      'dinov2-probe knn --baselines                          the run of the sample on the sample',
      'dinov2-probe knn --weights dinov2-small --data birds --k 10,20 --few-shot 1,5',
      'dinov2-probe knn --weights runs/a --weights runs/b --data birds',
    ))
    .action(async (options) => (await import('../commands/knn')).knnCommand(options));
  testOption(evaluationOptions(program.command('logistic').description('logistic regression over a grid of C (L-BFGS)'), labelled))
    .addOption(new Option('--c <list>', 'values of C (default: 45 from 1e-6 to 1e5)').argParser(listOf(positiveNumber)))
    .addOption(new Option('--validation <share>', 'of the training images, to choose C on').argParser(positiveNumber).default(0.1))
    .addHelpText('after', examples(
      'dinov2-probe logistic --baselines',
      'dinov2-probe logistic --weights dinov2-small --data flowers --test other=more-flowers',
    ))
    .action(async (options) => (await import('../commands/logistic')).logisticCommand(options));
}
