import koffi from 'koffi';

/** Set a variable of the C environment unless it is set. In worker threads `process.env` is a copy that libraries do not see. */
export function setDefault(name: string, value: string): void {
  const libc = koffi.load(null);
  libc.func('int setenv(const char *name, const char *value, int overwrite)')(name, value, 0);
}

/**
 * From now on, let this process end at once when it exits. Node would wait for the threads of its pool, and they may be
 * inside a plugin that waits for ever.
 */
export function exitWithoutThreads(): void {
  const end = koffi.load(null).func('void _exit(int status)');
  process.once('exit', (code) => end(code));
}
