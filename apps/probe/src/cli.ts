import { parseCommands } from '@dinov2/app-kit';
import { Command } from 'commander';
import { addClassification } from './cli/classification';
import { addDense } from './cli/dense';
import { addFiles } from './cli/files';
import { addLooking } from './cli/looking';
import { addWholePictures } from './cli/whole-pictures';

const afterHelp = `
Weights are a run of dinov2-pretrain, a Hugging Face folder, .safetensors or .pth. Without --weights
and --data, runs/sample is judged on the shipped sample. Features are computed once and kept; a
command that was stopped goes on where it was.

\`dinov2-probe help COMMAND\` shows options and examples of a command.
Exit codes: 0 finished, 1 failed, 2 wrong arguments or data, 130 stopped. With DEBUG=1 in the
environment an error is shown with its stack.`;

/** Read a command line and run what it asks for. Help and version end the process, as commander does. */
export async function runCommandLine(words: readonly string[], version: string): Promise<void> {
  const program = new Command('dinov2-probe')
    .description('Judge frozen features by DINOv2\'s protocols, and look at them.')
    .version(version)
    .addHelpText('after', afterHelp)
    .showHelpAfterError('(add --help for the options)');
  addClassification(program);
  addWholePictures(program);
  addDense(program);
  addFiles(program);
  addLooking(program);
  await parseCommands(program, words);
}
