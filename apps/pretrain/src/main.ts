#!/usr/bin/env node
import { endProcess, listEngines, pickEngine } from '@dinov2/app-kit';
import { type Invocation, parseCommandLine } from './cli';
import { version } from './version';

/** The settings of an invocation, fitted to the weights that it begins with. */
async function prepare(invocation: Exclude<Invocation, { kind: 'report' | 'engines' }>) {
  const { settings, note, withWeights } = invocation;
  if (settings.init === null) return { settings, note };
  const [{ openInitialization }, { RunFolder }] = await Promise.all([import('./open-initialization'), import('./run/run-folder')]);
  const goesOn = invocation.kind === 'dry-run' || invocation.resume;
  const initialization = await openInitialization(settings, goesOn ? new RunFolder(settings.out!) : undefined);
  return { ...withWeights(initialization!), initialization };
}

async function main(): Promise<number> {
  const invocation = parseCommandLine(process.argv.slice(2), version);
  if (invocation.kind === 'dry-run') {
    const { dryRun } = await import('./dry-run');
    console.log(await dryRun(await prepare(invocation)));
    return 0;
  }
  if (invocation.kind === 'report') {
    const [{ writeReport }, { RunFolder }] = await Promise.all([import('./report/write-report'), import('./run/run-folder')]);
    const run = RunFolder.open(invocation.folder);
    const { engine } = await pickEngine(invocation.settings);
    console.log(await writeReport(run, engine));
    await engine.dispose();
    return 0;
  }
  if (invocation.kind === 'engines') {
    const { describeEngines } = await import('./describe-engines');
    console.log(describeEngines(await listEngines()));
    return 0;
  }
  const { resume, allowChanges, hosts } = invocation;
  const { settings, ...prepared } = await prepare(invocation);
  const { train } = await import('./train');
  const stop = new AbortController();
  // Before the first step there is nothing to save.
  let steps = false;
  process.on('SIGINT', () => {
    if (!steps || stop.signal.aborted) process.exit(130);
    stop.abort();
    console.log('\nstopping after this step, to save; Ctrl-C again to stop at once');
  });
  process.on('SIGTERM', () => (steps ? stop.abort() : process.exit(143)));
  const onBegin = (): void => {
    steps = true;
  };
  const finished = await train(settings, { ...prepared, resume, allowChanges, ...(hosts && { hosts }), signal: stop.signal, onBegin });
  return finished ? 0 : 130;
}

endProcess(main());
