import { examples, listOf, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { defaultCache } from '../inputs/defaults';
import { featureOptions, inputOptions } from './shared-options';
import { collect, cosine, positiveNumber } from './values';

const lookingOptions = (command: Command): Command =>
  featureOptions(inputOptions(command, 'folder of pictures, a list, or one picture').addOption(new Option('--out <dir>', 'where pictures go (default: RUN/probe/COMMAND or results/WEIGHTS/COMMAND)')));

const limitOption = (count: number) => new Option('--limit <n>', 'pictures at most, spread over the data').argParser(wholeNumber(1)).default(count);

/** Commands that make pictures. */
export function addLooking(program: Command): void {
  lookingOptions(program.command('pca').description('colour patches by the principal components of their features'))
    .option('--per-image', 'components of each picture instead of all together', false)
    .option('--foreground', 'only what stands in front, told by the first component', false)
    .addOption(new Option('--threshold <share>', 'where the first component is cut, 0 to 1 of its range (default: its mean)').argParser(positiveNumber))
    .option('--flip', 'take the other side of the cut', false)
    .addOption(limitOption(24))
    .addHelpText('after', examples('dinov2-probe pca --data photos --foreground --out pictures', 'dinov2-probe pca --weights dinov2-small --data cat.jpg --size 518'))
    .action(async (options) => (await import('../commands/pca')).pcaCommand(options));
  lookingOptions(program.command('attention').description('attention of every head, of class token and registers'))
    .addOption(limitOption(24))
    .addHelpText('after', examples('dinov2-probe attention --data photos --out pictures'))
    .action(async (options) => (await import('../commands/attention')).attentionCommand(options));
  lookingOptions(program.command('neighbours').description('nearest pictures of a folder, to a picture or to a patch'))
    .option('--query <path>', 'pictures to find neighbours of (default: some of the data)')
    .addOption(new Option('--patch <x,y>', 'find this place of the query, shares of its width and height').argParser(listOf(positiveNumber)))
    .addOption(new Option('--k <n>', 'neighbours of each').argParser(wholeNumber(1)).default(7))
    .addOption(limitOption(12))
    .addHelpText('after', examples('dinov2-probe neighbours --data photos --query cat.jpg --out pictures', 'dinov2-probe neighbours --data photos --query cat.jpg --patch 0.5,0.3'))
    .action(async (options) => (await import('../commands/neighbours')).neighboursCommand(options));
  lookingOptions(program.command('match').description('patches of two pictures that are each other\'s nearest').argument('<picture>').argument('<other>'))
    .addOption(new Option('--threshold <cosine>', 'least similarity of a match (default: none)').argParser(cosine))
    .addOption(new Option('--limit <n>', 'lines at most, the most similar').argParser(wholeNumber(1)).default(60))
    .addHelpText('after', examples('dinov2-probe match cat.jpg other-cat.jpg --out pictures', 'dinov2-probe match a.jpg b.jpg --weights dinov2-small --size 448'))
    .action(async (picture: string, other: string, options) => (await import('../commands/match')).matchCommand([picture, other], options));
  inputOptions(program.command('view').description('look at features in the browser, on this machine alone'), 'folder of pictures, or a list')
    .addOption(new Option('--run <dir>', 'run whose training curves are shown; repeatable').argParser(collect).default([], 'the weights that are runs'))
    .addOption(new Option('--port <n>', 'of the local server (default: 8470, or any that is free)').argParser(wholeNumber(0)))
    .addOption(new Option('--size <pixels>', 'side of the square that is looked at').argParser(wholeNumber(1)))
    .addOption(new Option('--cache <dir>', 'where features are kept between commands').default(defaultCache()))
    .addOption(new Option('--workers <n>', 'threads (default: one per core)').argParser(wholeNumber(1)))
    .addHelpText('after', examples('dinov2-probe view --data photos', 'dinov2-probe view --weights runs/a --weights runs/b --data photos'))
    .action(async (options) => (await import('../commands/view')).viewCommand(options));
}
