import type { Engine } from '@dinov2/jit';
import { afterAll, describe } from 'vitest';
import { EngineError, loadTfjsNode, tensorflowEngine, type TfjsNode } from './index';

/** The tfjs-node that tests run in, or why there is none. */
async function load(): Promise<{ tf?: TfjsNode; reason: string }> {
  try {
    return { tf: await loadTfjsNode(), reason: '' };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { reason: error.message };
  }
}

const { tf, reason } = await load();
export const tfjsNode = tf;
if (tfjsNode === undefined) console.warn(`Skipped: tests of @dinov2/engine-tensorflow. ${reason}`);

/** `describe` where there is a tfjs-node. */
export const describeTensorflow = describe.skipIf(tfjsNode === undefined);

let made: Promise<Engine> | undefined;

/** One engine for all tests of a file. Attention over more than a megabyte of probabilities is computed in parts. */
export const engine = (): Promise<Engine> => (made ??= tensorflowEngine({ tf: tfjsNode, attentionBytes: 1 << 20 }));

afterAll(async () => (await made)?.dispose());
