import { examples, listOf, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { evaluationOptions, testOption } from './shared-options';
import { positiveNumber, yesOrNo } from './values';

const labelled = 'folder with train/<class>/ and heldout|val|test/<class>/, or lists of path,label';

/** `knn`, `linear` and `logistic`. */
export function addClassification(program: Command): void {
  testOption(evaluationOptions(program.command('knn').description('weighted k-nearest-neighbour classification'), labelled))
    .addOption(new Option('--k <list>', 'numbers of neighbours').argParser(listOf(wholeNumber(1))).default([10, 20, 100, 200], '10,20,100,200'))
    .addOption(new Option('--temperature <t>', 'divides similarities before the softmax that weighs votes').argParser(positiveNumber).default(0.07))
    .addOption(new Option('--few-shot <list>', 'also with so many training images of each class').argParser(listOf(wholeNumber(1))).default([], 'none'))
    .addOption(new Option('--tries <n>', 'random choices of those, averaged').argParser(wholeNumber(1)).default(5))
    .addHelpText('after', examples(
      'dinov2-probe knn --baselines                          the run of the sample on the sample',
      'dinov2-probe knn --weights dinov2-small --data birds --k 10,20 --few-shot 1,5',
      'dinov2-probe knn --weights runs/a --weights runs/b --data birds',
    ))
    .action(async (options) => (await import('../commands/knn')).knnCommand(options));
  testOption(evaluationOptions(program.command('linear').description('a grid of linear classifiers, trained at once'), labelled))
    .addOption(new Option('--blocks <list>', 'class tokens of so many last blocks').argParser(listOf(wholeNumber(1))).default([1, 4], '1,4'))
    .addOption(new Option('--avgpool <list>', 'with the mean patch token, or without').argParser(listOf(yesOrNo)).default([false, true], 'no,yes'))
    .addOption(new Option('--learning-rates <list>', 'before scaling by batch / 256 (default: 13 from 1e-5 to 0.1)').argParser(listOf(positiveNumber)))
    .addOption(new Option('--iterations <n>', 'length of the training').argParser(wholeNumber(1)).default(12_500))
    .addOption(new Option('--batch-size <n>', 'images per iteration').argParser(wholeNumber(1)).default(128))
    .option('--augment', 'new crops and flips in every iteration, through the network, as the protocol has it', false)
    .addHelpText('after', examples(
      'dinov2-probe linear --baselines',
      'dinov2-probe linear --weights dinov2-small --data imagenet --test v2=imagenet-v2 --augment',
      'dinov2-probe linear --data birds --iterations 2000',
    ))
    .action(async (options) => (await import('../commands/linear')).linearCommand(options));
  testOption(evaluationOptions(program.command('logistic').description('logistic regression over a grid of C (L-BFGS)'), labelled))
    .addOption(new Option('--c <list>', 'values of C (default: 45 from 1e-6 to 1e5)').argParser(listOf(positiveNumber)))
    .addOption(new Option('--validation <share>', 'of the training images, to choose C on').argParser(positiveNumber).default(0.1))
    .addHelpText('after', examples(
      'dinov2-probe logistic --baselines',
      'dinov2-probe logistic --weights dinov2-small --data flowers --test other=more-flowers',
    ))
    .action(async (options) => (await import('../commands/logistic')).logisticCommand(options));
}
