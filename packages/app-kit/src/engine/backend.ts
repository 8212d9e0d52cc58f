import type { BackendChoice } from './choices';

/** Packages that hold a TensorFlow.js backend, in the order in which the eager engine looks for one. */
export const backendPackages: Readonly<Record<BackendChoice, readonly string[]>> = {
  tensorflow: ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'],
  wasm: ['@tensorflow/tfjs-backend-wasm'],
  cpu: [],
};

/** Load a backend of TensorFlow.js, so that it can be set; whether it is installed. */
export async function loadBackend(backend: BackendChoice): Promise<boolean> {
  if (backend === 'cpu') return true;
  try {
    if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
    else await (await import('@dinov2/engine-tensorflow')).loadTfjsNode();
    return true;
  } catch {
    return false;
  }
}
