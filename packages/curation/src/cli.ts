import { parseCommands } from '@dinov2/app-kit';
import { Command } from 'commander';
import { addArrays } from './cli/arrays';
import { addLooking } from './cli/looking';
import { addRunning } from './cli/running';

const afterHelp = `
Start with a folder: \`dinov2-curate run pictures\`. It embeds, filters, removes copies and balances with
the default plan, which \`dinov2-curate plan pictures\` shows. Nothing is ever deleted: the result is a
list, which \`dinov2-pretrain --data\` takes. A command that was stopped goes on where it was.

\`dinov2-curate help COMMAND\` shows options and examples of a command.
Exit codes: 0 finished, 1 failed, 2 wrong arguments or data, 130 stopped. With DEBUG=1 in the
environment an error is shown with its stack.`;

/** Read a command line and run what it asks for. Help and version end the process, as commander does. */
export async function runCommandLine(words: readonly string[], version: string): Promise<void> {
  const program = new Command('dinov2-curate')
    .description('From a heap of uncurated pictures to a balanced pretraining set.')
    .version(version)
    .addHelpText('after', afterHelp)
    .showHelpAfterError('(add --help for the options)');
  addRunning(program);
  addArrays(program);
  addLooking(program);
  await parseCommands(program, words);
}
