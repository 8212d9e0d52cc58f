import { wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { defaultCache } from '../inputs/defaults';
import { collect } from './values';

/** What every command takes that makes features. */
export function featureOptions(command: Command): Command {
  return computeOptions(
    command
      .addOption(new Option('--size <pixels>', 'side of the square that is kept (default: as the weights were made for)').argParser(wholeNumber(1)))
      .addOption(new Option('--resize <pixels>', 'shorter side before that (default: in the weights\' own proportion)').argParser(wholeNumber(1)))
      .addOption(new Option('--auto-orient', 'turn pictures as their EXIF orientation says').default(false)),
  );
}

/** Where features are kept, and what computes. */
export function computeOptions(command: Command): Command {
  return command
    .addOption(new Option('--cache <dir>', 'where features are kept between commands').default(defaultCache()))
    .addOption(new Option('--workers <n>', 'threads (default: one per core)').argParser(wholeNumber(1)))
    .addOption(new Option('--engine <name>', 'what computes').choices(['auto', 'onnx', 'eager']).default('auto'))
    .addOption(new Option('--backend <name>', 'TensorFlow.js backend of the eager engine').choices(['cpu', 'wasm', 'tensorflow']).default(null, 'the fastest installed'));
}

/** Weights and data. */
export function inputOptions(command: Command, data: string, fallback = 'the shipped sample'): Command {
  return command
    .addOption(new Option('--weights <path>', 'a run, a Hugging Face folder, .safetensors or .pth; repeatable').argParser(collect).default([], 'runs/sample'))
    .addOption(new Option('--data <path>', `${data} (default: ${fallback})`));
}

/** What every evaluation of whole pictures takes. */
export const evaluationOptions = (command: Command, data: string): Command => featureOptions(judgingOptions(command, data, 'the shipped sample'));

/** What every evaluation takes. */
export function judgingOptions(command: Command, data: string, fallback: string): Command {
  return inputOptions(command, data, fallback)
    .addOption(new Option('--out <dir>', 'where results go (default: RUN/probe/COMMAND or results/WEIGHTS/COMMAND)'))
    .addOption(new Option('--baselines', 'judge random weights and raw pixels too').default(false))
    .addOption(new Option('--seed <n>', 'source of all randomness').argParser(wholeNumber(0)).default(0));
}

/** Test sets of labelled data. */
export function testOption(command: Command): Command {
  return command.addOption(
    new Option('--test <[name=]path>', 'PATH of the test images if --data holds training images alone; NAME=PATH adds a test set; repeatable').argParser(collect).default([], 'that of --data'),
  );
}
