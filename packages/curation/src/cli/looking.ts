import { examples, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';

/** Commands that look into a run. */
export function addLooking(program: Command): void {
  program
    .command('neighbours')
    .description('the images of a run that are most like some pictures, through an index that is kept')
    .argument('<run>', 'run folder')
    .argument('<picture...>', 'pictures, or numbers of images of the run')
    .addOption(new Option('-k, --k <n>', 'images per picture').argParser(wholeNumber(1)).default(10))
    .option('--all', 'search query sets and held-out sets too', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('dinov2-curate neighbours curated/pictures cat.jpg', 'dinov2-curate neighbours curated/pictures 1208 --k 20 --json'))
    .action(async (run: string, pictures: string[], options) => (await import('./commands/neighbours')).neighboursCommand(run, pictures, options));
  program
    .command('sql')
    .description('ask the tables of a run: images, manifest, failed, and every step\'s decisions under its name')
    .argument('<query>', 'SQL; without a run, FROM \'file.parquet\' names the tables')
    .option('--run <dir>', 'run folder (default: the newest in curated)')
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples(
      'dinov2-curate sql "SELECT reason, count(*) FROM selfDeduplicate GROUP BY reason"',
      'dinov2-curate sql "SELECT path FROM images JOIN exact USING (id) WHERE NOT keep" --run curated/pictures',
    ))
    .action(async (query: string, options) => (await import('./commands/sql')).sqlCommand(query, options));
}
