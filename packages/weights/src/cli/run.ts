import { inspect as show } from 'node:util';
import { CommanderError } from 'commander';
import { version } from '../../package.json';
import { WeightsError } from '../errors';
import { parseCommandLine, UsageError } from './command-line';
import { convert } from './convert';
import { inspect } from './inspect';

/** Run a command line and return the exit code: 0 done, 1 failed, 2 wrong arguments. */
export async function run(words: readonly string[]): Promise<0 | 1 | 2> {
  try {
    const invocation = parseCommandLine(words, version);
    if (invocation.command === 'inspect') await inspect(invocation.path, invocation.options, console.log);
    else await convert(invocation, console.log);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(`error: ${describe(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** The message alone where it was written to be read: errors of this project and of the file system. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const written = error instanceof WeightsError || error instanceof UsageError || error.name === 'VitError' || 'syscall' in error;
  return written && !process.env['DEBUG'] ? error.message : show(error);
}
