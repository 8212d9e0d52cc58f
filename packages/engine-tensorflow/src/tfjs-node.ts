import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from './errors';

/** One signature of a loaded SavedModel. */
export interface SavedModel {
  predict(inputs: tf.Tensor[]): unknown;
  dispose(): void;
}

/** What this package uses of `@tensorflow/tfjs-node` and `@tensorflow/tfjs-node-gpu`. */
export interface TfjsNode {
  readonly node: { loadSavedModel(path: string, tags?: string[], signature?: string): Promise<SavedModel> };
  readonly version: Readonly<Record<string, string>>;
  getBackend(): string;
  setBackend(name: string): Promise<boolean>;
  backend(): unknown;
  tensor: typeof tf.tensor;
  keep: typeof tf.keep;
}

/** Environment variable with the folder of a tfjs-node whose addon was built. */
const folderVariable = 'DINOV2_TFJS_NODE';
const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

const remedy =
  'Build the addon against the library of a TensorFlow wheel: `npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0`, ' +
  'then `npx dinov2-build-tfjs-node --python <python that has tensorflow>`' +
  ` (packages/engine-tensorflow/README.md). ${folderVariable} names its folder if that is not in node_modules here.`;

/** tfjs-node asks `node:util` for functions that Node 23 removed. */
function restoreUtil(): void {
  const target = util as unknown as Record<string, unknown>;
  target.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  target.isArray ??= Array.isArray;
}

/**
 * Load `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, on any version of Node.
 *
 * Looks at `folder`, else at the environment variable `DINOV2_TFJS_NODE`, else for the installed package
 * as seen from the working directory. The backend of TensorFlow.js that was current stays so.
 *
 * @param folder - folder of the package
 * @throws EngineError if there is none, or its addon is missing or does not load; says how to build it.
 */
export async function loadTfjsNode(folder = process.env[folderVariable]): Promise<TfjsNode> {
  restoreUtil();
  // TensorFlow tells of every graph that it loads. Warnings and errors stay.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  const require = createRequire(join(process.cwd(), 'index.js'));
  const candidates = folder === undefined ? packages : [resolve(folder)];
  const found = candidates.find((name) => {
    try {
      require.resolve(name);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) {
    throw new EngineError(`${folder === undefined ? 'tfjs-node is not installed' : `there is no tfjs-node in ${resolve(folder)}`}. ${remedy}`);
  }
  try {
    return await beside(() => require(found) as TfjsNode);
  } catch (error) {
    throw new EngineError(`${found} does not load: ${(error as Error).message.trim()} ${remedy}`);
  }
}

/**
 * Load tfjs-node so that what was there stays as it was. It brings a copy of TensorFlow.js if it is not installed
 * beside the one in use; both share one registry, where the copy's kernels of other backends take the place of those
 * that belong to the backends in use, with a warning for each.
 */
async function beside(load: () => TfjsNode): Promise<TfjsNode> {
  const backend = (tf.getBackend() as string | undefined) ?? '';
  const kernels = ['cpu', 'webgl'].flatMap((name) => tf.getKernelsForBackend(name));
  const quiet = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  try {
    const loaded = load();
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, kernel.backendName);
      tf.registerKernel(kernel);
    }
    if (backend !== '') await tf.setBackend(backend);
    return loaded;
  } finally {
    tf.env().set('PROD', quiet);
  }
}
