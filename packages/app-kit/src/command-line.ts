import { type Command, InvalidArgumentError } from 'commander';
import { AppError } from './error';

/** Read a command line and run what it asks for. Help and version end the process, as commander does. */
export async function parseCommands(program: Command, words: readonly string[]): Promise<void> {
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error) => {
      if (error.exitCode === 0) process.exit(0);
      // commander has printed its sentence.
      throw new AppError('');
    });
  }
  await program.parseAsync(words, { from: 'user' });
}

/** A whole number from `least` up. */
export const wholeNumber = (least: number) => (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) throw new InvalidArgumentError(`expected a whole number from ${least}`);
  return value;
};

/** Values between commas, each read by `read`. */
export const listOf = <T>(read: (text: string) => T) => (text: string): T[] => text.split(',').map((part) => read(part.trim()));

/** Examples below the options of a command. */
export const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
