import type { RunQueue } from './run-queue';
import type { TfjsNode } from './tfjs-node';

const backendName = 'tensorflow';

/** What everything in an engine shares. */
export interface Runtime {
  readonly tf: TfjsNode;
  readonly queue: RunQueue;
  /** Folder of this engine's SavedModels. */
  readonly folder: string;
}

/** Run `fn` up to where it first waits, with TensorFlow as tfjs's backend. */
export function onTensorflow<T>({ tf }: Pick<Runtime, 'tf'>, fn: () => T): T {
  const previous = tf.getBackend();
  if (previous === backendName) return fn();
  void tf.setBackend(backendName);
  try {
    return fn();
  } finally {
    if (previous) void tf.setBackend(previous);
  }
}
