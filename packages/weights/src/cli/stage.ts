/** Milliseconds between updates on a terminal. */
const interval = 200;

/**
 * Say what is being done while it is done, and how long it took: on a terminal on one line that counts
 * the seconds, elsewhere as one line at the end.
 */
export async function stage<T>(text: string, work: () => Promise<T>, stream: NodeJS.WriteStream = process.stderr): Promise<T> {
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const show = (): boolean => stream.write(`\r${text} … ${seconds()}`);
  if (stream.isTTY) show();
  const timer = stream.isTTY ? setInterval(show, interval) : undefined;
  try {
    const result = await work();
    stream.write(`${stream.isTTY ? '\r' : ''}${text}: ${seconds()}${stream.isTTY ? '  ' : ''}\n`);
    return result;
  } catch (error) {
    if (stream.isTTY) stream.write('\n');
    throw error;
  } finally {
    clearInterval(timer);
  }
}
