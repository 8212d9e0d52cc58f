import pc from 'picocolors';
import { describeError, exitCodeOf } from './error';

/** End the process as a program's work ends: with its exit code, or with its error printed. */
export function endProcess(work: Promise<number | void>): void {
  work.then(
    (code) => process.exit(code ?? process.exitCode ?? 0),
    (error: unknown) => {
      const text = describeError(error, Boolean(process.env['DEBUG']));
      if (text !== '') console.error(`${pc.red('error')} ${text}`);
      process.exit(exitCodeOf(error));
    },
  );
}

/** End the process at once when it is told to: for programs whose files are whole at any moment. */
export function exitOnSignals(): void {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) process.on(signal, () => process.exit(code));
}
