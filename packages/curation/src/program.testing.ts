import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describeError, exitCodeOf } from '@dinov2/app-kit';
import { vi } from 'vitest';
import { runCommandLine } from './cli';

/** What the program printed, without its colours, and how it would have ended. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Run a command line in this process. */
export async function curateProgram(...words: readonly string[]): Promise<Outcome> {
  let output = '';
  const write = (text: unknown) => ((output += `${stripVTControlCharacters(String(text))}\n`), true);
  const spies = [
    ...(['log', 'warn', 'error', 'info'] as const).map((method) => vi.spyOn(console, method).mockImplementation((...texts) => void write(texts.join(' ')))),
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
  ];
  try {
    await runCommandLine(words, '0.0.0');
    return { code: 0, output };
  } catch (error) {
    return { code: exitCodeOf(error), output: `${output}${stripVTControlCharacters(describeError(error, false))}` };
  } finally {
    spies.forEach((spy) => spy.mockRestore());
  }
}

/** A new folder, and how to remove it. */
export function temporaryFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'curate-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
