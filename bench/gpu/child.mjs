import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * Run a program that prints lines of JSON.
 *
 * @param options.seconds - time it may take; it is ended after that.
 * @returns its `result` line, with everything else it said under `events`, or `{ failed }` with a sentence.
 */
export async function runChild(command, args, { seconds, environment = {} }) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, seconds * 1000);
  // The end of what it complained about; compilers talk a lot.
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints = (complaints + text).slice(-4000)));
  const events = [];
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`));
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue;
    try {
      events.push(JSON.parse(line));
    } catch {
      // Not one of ours.
    }
  }
  const problem = await ended;
  clearTimeout(timer);
  const result = events.find(({ event }) => event === 'result');
  if (late) return { failed: `took longer than the ${Math.round(seconds)} s that were left`, events };
  if (result === undefined) return { failed: `${problem ?? 'gave no result'}: ${complaints.trim().split('\n').slice(-6).join(' | ')}`, events };
  return { ...result, events: events.filter((event) => event !== result) };
}
