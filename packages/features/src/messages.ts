import type { HostArray, VitConfig } from '@dinov2/vit';
import type { Outputs, Tokens } from './types';

/** What a worker thread is started with. */
export interface WorkerSetup {
  readonly config: VitConfig;
  /** In memory that all threads share. */
  readonly parameters: Readonly<Record<string, HostArray>>;
  readonly outputs: Outputs;
  /** Threads of the worker's engine. */
  readonly threads: number;
  /** Compiled programs that it keeps. */
  readonly programs: number;
}

/** Images (B, H, W, 3) to a worker, or the word to end. */
export type Request = HostArray | 'close';

/** From a worker: once at its start, then once per images. */
export type Answer = 'ready' | { readonly tokens: Tokens } | { readonly failure: string };
