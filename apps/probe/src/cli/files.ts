import { examples, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { featureOptions, inputOptions } from './shared-options';

/** Commands that write files for other programs, or read those of this one. */
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
  featureOptions(inputOptions(program.command('extract').description('features of a folder to .safetensors or .npy, for numpy and others'), 'folder of pictures, a list, or one picture'))
    .addOption(new Option('--out <dir>', 'where files go (default: RUN/probe/extract or results/WEIGHTS/extract)'))
    .addOption(new Option('--blocks <n>', 'class tokens of so many last blocks').argParser(wholeNumber(0)).default(1))
    .option('--mean-patch', 'means of the last patch tokens', false)
    .option('--patches', 'all patch tokens of the last block', false)
    .option('--attention', 'attention of the last block', false)
    .addOption(new Option('--format <name>', 'of the files').choices(['safetensors', 'npy']).default('safetensors'))
    .addHelpText('after', examples(
      'dinov2-probe extract --weights dinov2-small --data photos --format npy --out features',
      'python -c "import numpy; print(numpy.load(\'features/class_tokens.npy\').shape)"',
    ))
    .action(async (options) => (await import('../commands/extract')).extractCommand(options));
  program
    .command('scenes')
    .description('make up pictures with exact masks and depths')
    .argument('<out>', 'folder to write to')
    .addOption(new Option('--count <n>', 'training pictures; a quarter as many are held out').argParser(wholeNumber(1)).default(240))
    .addOption(new Option('--size <pixels>', 'side of the pictures').argParser(wholeNumber(16)).default(224))
    .addOption(new Option('--seed <n>', 'source of all randomness').argParser(wholeNumber(0)).default(0))
    .addHelpText('after', examples('dinov2-probe scenes scenes --count 100', 'dinov2-probe segmentation --data scenes'))
    .action(async (out: string, options) => (await import('../commands/scenes')).scenesCommand(out, options));
}
