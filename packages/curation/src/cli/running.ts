import { examples, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { shard } from './values';

/** Commands on plans and their run folders. */
export function addRunning(program: Command): void {
  planOptions(
    program
      .command('run')
      .description('carry out a plan, or the default plan on a folder')
      .argument('<plan|folder...>', 'a plan (.yaml), or folders, lists and tars of pictures'),
  )
    .option('--step <name>', 'run this step again, and no other')
    .option('--from <name>', 'run this step again, and those after it')
    .addOption(new Option('--shard <i/n>', 'do one of n parts of the next step that can be shared out').argParser(shard))
    .addHelpText('after', examples(
      'dinov2-curate run pictures',
      'dinov2-curate run plan.yaml',
      'dinov2-curate run plan.yaml --from selfDeduplicate',
      'dinov2-curate run plan.yaml --shard 0/4 --out parts/0     on the first of four machines',
    ))
    .action(async (paths: string[], options) => (await import('./commands/run')).runCommand(paths, options));
  planOptions(
    program
      .command('plan')
      .description('show the plan with every setting, and what it would read')
      .argument('<plan|folder...>', 'a plan (.yaml), or folders, lists and tars of pictures'),
  )
    .addHelpText('after', examples('dinov2-curate plan pictures > plan.yaml', 'dinov2-curate plan plan.yaml'))
    .action(async (paths: string[], options) => (await import('./commands/plan')).planCommand(paths, options));
  program
    .command('merge')
    .description('put together run folders or embeddings that were made by shards')
    .argument('<out>', 'folder that gets everything')
    .argument('<part...>', 'folders of the shards')
    .addHelpText('after', examples('dinov2-curate merge whole parts/0 parts/1 parts/2 parts/3', 'dinov2-curate run plan.yaml --out whole'))
    .action(async (out: string, parts: string[]) => (await import('./commands/merge')).mergeCommand(out, parts));
  program
    .command('report')
    .description('make report.html of a run again')
    .argument('<run>', 'run folder')
    .option('--labels <csv>', 'what is known of the pictures (path, group, concept), as a made-up heap has it: adds precision')
    .addHelpText('after', examples('dinov2-curate report curated/pictures', 'dinov2-curate report curated/images --labels heap/truth.csv'))
    .action(async (run: string, options) => (await import('./commands/report')).reportCommand(run, options));
  program
    .command('heap')
    .description('make up an uncurated heap of pictures of which everything is known')
    .argument('<out>', 'folder to write to')
    .addOption(new Option('--count <n>', 'files').argParser(wholeNumber(1)).default(2000))
    .addOption(new Option('--seed <n>', 'source of all randomness').argParser(wholeNumber(0)).default(0))
    .addHelpText('after', examples('dinov2-curate heap heap --count 2000', 'dinov2-curate run heap/images'))
    .action(async (out: string, options) => (await import('./commands/heap')).heapCommand(out, options));
}

/** What stands over a plan. */
function planOptions(command: Command): Command {
  return command
    .option('-o, --out <dir>', 'run folder (default: curated/NAME)')
    .option('--weights <path>', 'a run, a Hugging Face folder, .safetensors, .pth, or `pixels` (default: the newest run in runs, else pixels)')
    .addOption(new Option('--seed <n>', 'source of all randomness').argParser(wholeNumber(0)));
}
