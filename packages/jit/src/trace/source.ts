/** `file:line:column` of one stack frame, or undefined for frames of the runtime itself. */
const location = (frame: string): string | undefined =>
  /\(?((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/.exec(frame.trim())?.[1]?.replace('file://', '');

const frames = (stack: string | undefined): string[] => (stack ?? '').split('\n').slice(1);

const directory = (path: string) => path.replace(/[^/\\]*$/, '');

// The folder of this module in the sources, the bundle in a build: the caller of nothing here is the user.
const ownFolder = directory(location(frames(new Error().stack).find((f) => location(f)) ?? '') ?? '');

const isLibrary = (path: string): boolean =>
  /[/\\]node_modules[/\\]@tensorflow[/\\]/.test(path) ||
  /[/\\](@dinov2|packages)[/\\]primitives[/\\](src|dist)[/\\](?!.*\.test\.)/.test(path) ||
  (ownFolder !== '' && path.startsWith(ownFolder));

/**
 * The place in the user's code that led to a stack: its first frame outside TensorFlow.js, the
 * primitives and the tracer, as `file:line:column`.
 */
export function userFrame(stack: string | undefined): string | undefined {
  for (const frame of frames(stack)) {
    const place = location(frame);
    if (place !== undefined && !isLibrary(place)) return place;
  }
  return undefined;
}

/** The tfjs op that draws random numbers on the host in this stack, if one does. */
export function randomOp(stack: string | undefined): string | undefined {
  const names =
    /\b(rand|randomGamma|randomNormal|randomStandardNormal|randomUniform|randomUniformInt|truncatedNormal|dropout)_(?:_op)?\b/g;
  // The outermost: dropout calls randomUniform.
  return [...(stack ?? '').matchAll(names)].at(-1)?.[1];
}

/** Run `fn` with stacks deep enough to reach the user through tfjs. */
export function withDeepStacks<T>(fn: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  try {
    return fn();
  } finally {
    Error.stackTraceLimit = before;
  }
}
