import { eagerEngine, type Engine } from '@dinov2/jit';
import { AppError } from './error';

/** What computes: compiled graphs on ONNX Runtime, op by op, or the faster of those that there are. */
export type EngineChoice = 'auto' | 'onnx' | 'eager';

/** A backend of TensorFlow.js for the eager engine. */
export type BackendChoice = 'cpu' | 'wasm' | 'tensorflow';

/** An engine and why it was picked. */
export interface PickedEngine {
  readonly engine: Engine;
  readonly reason: string;
}

/** Packages that hold a TensorFlow.js backend, in the order in which the eager engine looks for one. */
const backendPackages: Readonly<Record<BackendChoice, readonly string[]>> = {
  tensorflow: ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'],
  wasm: ['@tensorflow/tfjs-backend-wasm'],
  cpu: [],
};

/**
 * The engine that a user asks for; `auto` is ONNX Runtime where it has a library for this machine.
 * Loads TensorFlow.js with its gradients.
 *
 * @throws AppError if choices contradict each other or a backend is not installed.
 */
export async function pickEngine({ engine: wanted = 'auto', backend = null }: { readonly engine?: EngineChoice; readonly backend?: BackendChoice | null } = {}): Promise<PickedEngine> {
  const tf = await import('@tensorflow/tfjs');
  // The banner of the plain CPU backend says to install what these programs do not need.
  tf.enableProdMode();
  if (wanted !== 'onnx' && (wanted === 'eager' || backend !== null)) return eager(backend, wanted === 'eager' ? 'asked for with --engine eager' : 'a backend was named');
  if (backend !== null) {
    throw new AppError('--backend names a TensorFlow.js backend, which only --engine eager uses; leave out one of them');
  }
  const { EngineError, onnxEngine } = await import('@dinov2/engine-onnx');
  try {
    const engine = onnxEngine();
    await tf.ready();
    return { engine, reason: wanted === 'onnx' ? 'asked for with --engine onnx' : 'compiled steps on ONNX Runtime are the fastest way on a CPU' };
  } catch (error) {
    if (!(error instanceof EngineError) || wanted === 'onnx') throw error;
    return eager(null, `ONNX Runtime cannot be used: ${error.message}`);
  }
}

async function eager(backend: BackendChoice | null, reason: string): Promise<PickedEngine> {
  const tf = await import('@tensorflow/tfjs');
  const candidates = backend === null ? (['tensorflow', 'wasm', 'cpu'] as const) : [backend];
  for (const name of candidates) {
    if (!(await load(name))) continue;
    await tf.setBackend(name);
    await tf.ready();
    return { engine: eagerEngine({ backend: name }), reason: `${reason}; backend ${name}${backend === null ? ', the fastest installed' : ''}` };
  }
  throw new AppError(
    `the TensorFlow.js backend ${backend} is not installed; run \`npm install ${backendPackages[backend!].join('` or `npm install ')}\``,
  );
}

async function load(backend: BackendChoice): Promise<boolean> {
  if (backendPackages[backend].length === 0) return true;
  for (const name of backendPackages[backend]) {
    try {
      await import(name);
      return true;
    } catch {
      // Try the next package.
    }
  }
  return false;
}
