/** Milliseconds of work between two chances for timers, sockets and the page. */
const SLICE = 50;

/** A function to await inside a long loop: it lets other work of the thread go on about twenty times a second. */
export function breathe(): () => Promise<void> {
  let next = performance.now() + SLICE;
  return async () => {
    if (performance.now() < next) return;
    await new Promise<void>((resolve) => setTimeout(resolve));
    next = performance.now() + SLICE;
  };
}
