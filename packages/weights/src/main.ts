#!/usr/bin/env node
import { run } from './cli/run';

// Not process.exit: output to a pipe may still be on its way.
void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
