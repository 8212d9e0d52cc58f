import koffi from 'koffi';

/** Set a variable of the C environment unless it is set. In worker threads `process.env` is a copy that libraries do not see. */
export function setDefault(name: string, value: string): void {
  const libc = koffi.load(null);
  libc.func('int setenv(const char *name, const char *value, int overwrite)')(name, value, 0);
}
