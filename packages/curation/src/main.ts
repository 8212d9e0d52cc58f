#!/usr/bin/env node
import { endProcess, exitOnSignals } from '@dinov2/app-kit';
import { runCommandLine } from './cli';
import { version } from './version';

// What is done is in the run folder already; the same command goes on from there.
exitOnSignals();
endProcess(runCommandLine(process.argv.slice(2), version));
