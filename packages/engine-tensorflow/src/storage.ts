import type { DataType, TypedArray } from '@dinov2/jit';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { onTensorflow, type Runtime } from './runtime';

/** A variable that may hold a value: it can be asked for it, and told that nobody wants it any more. */
export interface Home {
  /** Give the value to `storage.host`. */
  read(storage: Storage): Promise<void>;
  forget(storage: Storage): void;
}

/** The value of an array, in host memory, in variables of executables, or both. */
export class Storage {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly runtime: Runtime;
  readonly homes = new Set<Home>();
  #host: TypedArray | TfTensor | undefined;
  #references = 1;

  constructor(runtime: Runtime, shape: readonly number[], dtype: DataType, host?: TypedArray | TfTensor) {
    this.runtime = runtime;
    this.shape = shape;
    this.dtype = dtype;
    this.#host = host;
  }

  get isLive(): boolean {
    return this.#references > 0;
  }

  get hasHost(): boolean {
    return this.#host !== undefined;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (--this.#references > 0) return;
    this.dropHost();
    for (const home of this.homes) home.forget(this);
    this.homes.clear();
  }

  setHost(tensor: TfTensor): void {
    this.dropHost();
    this.#host = tensor;
  }

  /** Forget the copy in host memory. A variable must hold the value, or nobody want it. */
  dropHost(): void {
    const host = this.#host;
    this.#host = undefined;
    if (host !== undefined && !ArrayBuffer.isView(host)) onTensorflow(this.runtime, () => host.dispose());
  }

  /** The value as a tensor of tfjs-node, which stays this storage's. */
  async tensor(): Promise<TfTensor> {
    await this.bringHome();
    const host = this.#host as TypedArray | TfTensor;
    if (!ArrayBuffer.isView(host)) return host;
    const { tf } = this.runtime;
    const tensor = onTensorflow(this.runtime, () => tf.keep(tf.tensor(host, [...this.shape], this.dtype)));
    this.#host = tensor;
    return tensor;
  }

  /** A copy of the values. */
  async data(): Promise<TypedArray> {
    await this.bringHome();
    const host = this.#host as TypedArray | TfTensor;
    if (ArrayBuffer.isView(host)) return host.slice();
    return onTensorflow(this.runtime, () => host.dataSync()).slice() as TypedArray;
  }

  /** Make sure of a copy in host memory. */
  async bringHome(): Promise<void> {
    if (this.#host !== undefined) return;
    const [home] = this.homes;
    await home.read(this);
  }
}
