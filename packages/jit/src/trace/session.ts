import type { Variable } from '@tensorflow/tfjs-core';
import type { Recorder } from './recorder';

/** What tracing keeps between calls. */
interface Session {
  /** Receives everything that runs on the tracing backend; undefined outside a trace. */
  recorder: Recorder | undefined;
  /** Variables that existed before the trace, to recognise one that is used without being an argument. */
  outerVariables: readonly Variable[];
  /** Names of the enclosing `scope()`s. */
  readonly scopes: string[];
  backendRegistered: boolean;
}

// One per process, whichever of the ESM and CommonJS builds was loaded first, because tfjs has one
// registry of backends.
const key = Symbol.for('@dinov2/jit');
const store = globalThis as unknown as Record<symbol, Session | undefined>;

export const session: Session = (store[key] ??= {
  recorder: undefined,
  outerVariables: [],
  scopes: [],
  backendRegistered: false,
});
