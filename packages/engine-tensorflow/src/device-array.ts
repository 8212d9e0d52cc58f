import type { DataType, DeviceArray, TypedArray } from '@dinov2/jit';
import { EngineError } from './errors';
import type { Runtime } from './runtime';
import type { Storage } from './storage';

/** An array of this engine. */
export class TensorflowArray implements DeviceArray {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly runtime: Runtime;
  #storage: Storage | undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.shape = storage.shape;
    this.dtype = storage.dtype;
    this.runtime = storage.runtime;
  }

  get isDisposed(): boolean {
    return this.#storage === undefined;
  }

  get storage(): Storage {
    if (this.#storage) return this.#storage;
    throw new EngineError(`the array ${this.dtype} (${this.shape.join(', ')}) was disposed or donated; use the array that replaced it.`);
  }

  data(): Promise<TypedArray> {
    let storage: Storage;
    try {
      storage = this.storage.retain();
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.runtime.queue.add(() => storage.data()).finally(() => storage.release());
  }

  dispose(): void {
    const storage = this.#storage;
    this.#storage = undefined;
    storage?.release();
  }

  /** Give the value away; the array is disposed. */
  take(): Storage {
    const { storage } = this;
    this.#storage = undefined;
    return storage;
  }
}
