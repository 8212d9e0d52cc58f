import { examples, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { computeOptions, judgingOptions } from './shared-options';
import { positiveNumber } from './values';

const scenes = 'scenes that are made up once, with exact masks and depths';

const denseOptions = (command: Command, kind: string): Command =>
  computeOptions(judgingOptions(command, `folder with train/ and heldout|val|test/, each with images/ and ${kind}s/; or lists of path,${kind}`, scenes))
    .option('--test <path>', 'test pictures, if --data holds training pictures alone')
    .addOption(new Option('--size <pixels>', 'side of crops and windows (default: the recipe\'s)').argParser(wholeNumber(1)))
    .addOption(new Option('--recipe <name>', '`small` for folders of hundreds of pictures, `paper` for the published one').choices(['small', 'paper']).default('small'))
    .addOption(new Option('--iterations <n>', 'length of the training (default: the recipe\'s)').argParser(wholeNumber(1)))
    .addOption(new Option('--batch-size <n>', 'pictures per iteration (default: the recipe\'s)').argParser(wholeNumber(1)))
    .addOption(new Option('--learning-rate <rate>', 'at its highest (default: the recipe\'s)').argParser(positiveNumber))
    .option('--augment', 'new views in every iteration, through the network, instead of a few fixed ones', false);

/** `segmentation` and `depth`. */
export function addDense(program: Command): void {
  denseOptions(program.command('segmentation').description('semantic segmentation with a linear head on frozen patch tokens'), 'mask')
    .option('--multiscale', 'the "+ms" variant: last four blocks, several sizes and mirroring', false)
    .addOption(new Option('--classes <n>', 'number of classes (default: as the data say)').argParser(wholeNumber(2)))
    .option('--reduce-zero-label', 'take 0 for unknown and count classes from 1, as for ADE20k', false)
    .addHelpText('after', examples(
      'dinov2-probe segmentation --baselines',
      'dinov2-probe segmentation --weights dinov2-small --data rooms --multiscale',
      'dinov2-probe segmentation --weights dinov2-small --data ade20k --reduce-zero-label --recipe paper',
    ))
    .action(async (options) => (await import('../commands/segmentation')).segmentationCommand(options));
  denseOptions(program.command('depth').description('monocular depth with a linear or DPT head on frozen tokens'), 'depth')
    .addOption(new Option('--head <name>', 'linear on one or four blocks, or DPT').choices(['linear1', 'linear4', 'dpt']).default('linear1'))
    .addOption(new Option('--min-depth <metres>', 'of the predicted range (default: 0.001)').argParser(positiveNumber))
    .addOption(new Option('--max-depth <metres>', 'of the predicted range; truth beyond does not count (default: 10; for made-up scenes 30)').argParser(positiveNumber))
    .addOption(new Option('--depth-scale <metres>', 'per unit of 16-bit maps (default: 0.001; KITTI: 0.00390625)').argParser(positiveNumber))
    .addOption(new Option('--crop <name>', 'part of test pictures that counts (default: all)').choices(['eigenNyu', 'eigenKitti', 'gargKitti']))
    .addHelpText('after', examples(
      'dinov2-probe depth --baselines',
      'dinov2-probe depth --weights dinov2-small --data rooms --head dpt',
      'dinov2-probe depth --weights dinov2-small --data kitti --max-depth 80 --depth-scale 0.00390625 --crop gargKitti',
    ))
    .action(async (options) => (await import('../commands/depth')).depthCommand(options));
}
