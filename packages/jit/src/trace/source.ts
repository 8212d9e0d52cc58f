/** `file:line:column` of one line of a stack, or undefined for frames of the runtime itself. */
const location = (line: string): string | undefined =>
  /\(?((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/.exec(line.trim())?.[1]?.replace('file://', '');

const lines = (stack: string | undefined): string[] => (stack ?? '').split('\n').slice(1);

// The folder of this package's sources, or of its bundle in a build.
const ownFolder = (location(lines(new Error().stack).find(location) ?? '') ?? '').replace(/(?:trace[/\\])?[^/\\]*$/, '');

const isLibrary = (path: string): boolean =>
  /[/\\]node_modules[/\\]@tensorflow[/\\]/.test(path) ||
  /[/\\](@dinov2|packages)[/\\]primitives[/\\](src|dist)[/\\](?!.*\.test\.)/.test(path) ||
  (ownFolder !== '' && path.startsWith(ownFolder) && !path.includes('.test.'));

/**
 * The place in the user's code that led to a stack: its first frame outside TensorFlow.js, the
 * primitives and the tracer, as `file:line:column`.
 */
export function userFrame(stack: string | undefined): string | undefined {
  for (const line of lines(stack)) {
    const place = location(line);
    if (place !== undefined && !isLibrary(place)) return place;
  }
  return undefined;
}

interface V8Error {
  captureStackTrace?(target: object): void;
  prepareStackTrace?: (error: unknown, sites: NodeJS.CallSite[]) => unknown;
  stackTraceLimit?: number;
}

const v8 = Error as V8Error;

/** The current stack as V8's structured frames: much cheaper than text, above all where source maps are applied. */
function callSites(): NodeJS.CallSite[] | undefined {
  if (v8.captureStackTrace === undefined) return undefined;
  const { prepareStackTrace } = v8;
  v8.prepareStackTrace = (_, sites) => sites;
  try {
    const holder: { stack?: unknown } = {};
    v8.captureStackTrace(holder);
    return Array.isArray(holder.stack) ? (holder.stack as NodeJS.CallSite[]) : undefined;
  } finally {
    v8.prepareStackTrace = prepareStackTrace;
  }
}

const libraryFiles = new Map<string, boolean>();

function isUser(site: NodeJS.CallSite): boolean {
  const file = site.getFileName()?.replace('file://', '');
  if (file === undefined || file.startsWith('node:')) return false;
  let library = libraryFiles.get(file);
  if (library === undefined) libraryFiles.set(file, (library = isLibrary(file)));
  return !library;
}

/** Positions as they run, to positions in the sources. */
const mapped = new Map<string, string | undefined>();

/** {@link userFrame} of the code that is running. */
export function callSite(): string | undefined {
  const sites = callSites();
  if (sites === undefined) return userFrame(new Error().stack);
  const site = sites.find(isUser);
  if (site === undefined) return undefined;
  const raw = `${site.getFileName()}:${site.getLineNumber()}:${site.getColumnNumber()}`;
  if (!mapped.has(raw)) mapped.set(raw, userFrame(new Error().stack));
  return mapped.get(raw);
}

const randomOps =
  /^(?:Object\.)?(rand|randomGamma|randomNormal|randomStandardNormal|randomUniform|randomUniformInt|truncatedNormal|dropout)_(?:_op)?$/;

/** The tfjs op that is drawing random numbers on the host, if one is. */
export function randomOp(): string | undefined {
  const names =
    callSites()?.map((site) => site.getFunctionName() ?? '') ??
    lines(new Error().stack).map((line) => /^\s*(?:at )?([\w.]+)/.exec(line)?.[1] ?? '');
  // The outermost: dropout calls randomUniform.
  return names
    .map((name) => randomOps.exec(name)?.[1])
    .filter((name) => name !== undefined)
    .at(-1);
}

/** Run `fn` with stacks deep enough to reach the user through tfjs. */
export function withDeepStacks<T>(fn: () => T): T {
  const before = v8.stackTraceLimit;
  v8.stackTraceLimit = 60;
  try {
    return fn();
  } finally {
    v8.stackTraceLimit = before;
  }
}
