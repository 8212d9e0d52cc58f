#!/usr/bin/env node
import { describeError, exitCodeOf } from '@dinov2/app-kit';
import pc from 'picocolors';
import { runCommandLine } from './cli';
import { version } from './version';

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
  // What is done is in the run folder already; the same command goes on from there.
  process.on(signal, () => process.exit(code));
}

runCommandLine(process.argv.slice(2), version).then(
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    const text = describeError(error, Boolean(process.env['DEBUG']));
    if (text !== '') console.error(`${pc.red('error')} ${text}`);
    process.exit(exitCodeOf(error));
  },
);
