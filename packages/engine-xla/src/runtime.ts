import type { Mesh } from '@dinov2/jit';
import type { XlaArray } from './device-array';
import type { Client } from './pjrt/client';
import type { Placement } from './placement';
import type { RunQueue } from './run-queue';

/** What the arrays and executables of one engine share. */
export interface Runtime {
  readonly client: Client;
  readonly placement: Placement;
  /** Present on engines of several devices. */
  readonly mesh?: Mesh;
  readonly queue: RunQueue;
  /** Arrays and executables that are not disposed yet. */
  readonly arrays: Set<XlaArray>;
  readonly executables: Set<{ dispose(): void }>;
  /** The same promise, but rejected once the engine has failed as a whole. */
  guard<T>(promise: Promise<T>): Promise<T>;
}
