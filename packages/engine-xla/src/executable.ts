import {
  replicated,
  type DataType,
  type DeviceArray,
  type Executable,
  type MemoryReport,
  type ProfileEntry,
  type Sharding,
} from '@dinov2/jit';
import { XlaArray } from './device-array';
import { EngineError } from './errors';
import type { LoadedExecutable } from './pjrt/executable';
import { putArray } from './put';
import type { Runtime } from './runtime';

/** An argument or result of a compiled module. */
export interface ArraySpec {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly sharding?: Sharding;
}

/** What a module takes and gives, and what it may overwrite. */
export interface Signature {
  readonly inputs: readonly ArraySpec[];
  readonly outputs: readonly ArraySpec[];
  readonly donations: readonly (readonly [input: number, output: number])[];
  /** Floating-point operations of a run, for profiles. */
  readonly flops?: number;
}

export class XlaExecutable implements Executable {
  /** Bytes on one device. */
  readonly memory: MemoryReport;
  readonly #runtime: Runtime;
  readonly #loaded: LoadedExecutable;
  readonly #signature: Signature;
  readonly #donated: ReadonlySet<number>;
  /** For each device of the executable, its number among the local devices of the placement. */
  readonly #order: readonly number[];
  #running = 0;
  #disposed = false;

  constructor(runtime: Runtime, loaded: LoadedExecutable, signature: Signature) {
    this.#runtime = runtime;
    this.#loaded = loaded;
    this.#signature = signature;
    this.#donated = new Set(signature.donations.map(([input]) => input));
    this.#order = loaded.devices.map((handle) => runtime.placement.local.findIndex(({ device }) => device.handle === handle));
    const { inputs, outputs, aliased, temporary, code } = loaded.program.memory();
    this.memory = { temporary: temporary + code, inputs, outputs: outputs - aliased };
    runtime.executables.add(this);
  }

  /**
   * Resolves when the devices have been given the run: the results can be passed on or read, which waits for them, and the
   * next batch can be put meanwhile. At most two runs are under way; a third waits for the first.
   *
   * An argument that lies otherwise than the graph was compiled for is brought to the host and back. Where that happens at
   * every run, annotate the graph's input or `put` the array as it is wanted.
   */
  async run(inputs: readonly DeviceArray[]): Promise<DeviceArray[]> {
    return (await this.#enqueue(inputs)).outputs;
  }

  /** The time of the whole run is one entry: XLA fuses a graph's ops, and the plugin interface has no clock inside a run. */
  async profile(inputs: readonly DeviceArray[]): Promise<{ outputs: DeviceArray[]; entries: ProfileEntry[] }> {
    await this.#runtime.queue.idle();
    const start = performance.now();
    const { outputs, done } = await this.#enqueue(inputs);
    await this.#runtime.guard(done);
    const entry: ProfileEntry = {
      op: 'Graph',
      kernel: `xla:${this.#runtime.client.platform}`,
      scope: '',
      calls: 1,
      milliseconds: performance.now() - start,
      flops: this.#signature.flops ?? 0,
    };
    return { outputs, entries: [entry] };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#freeIfUnused();
  }

  /** Check and pin the arguments at once, and start the run when those before have started. */
  async #enqueue(inputs: readonly DeviceArray[]): Promise<{ outputs: XlaArray[]; done: Promise<void> }> {
    if (this.#disposed) throw new EngineError('the executable was disposed; compile the graph again.');
    const arrays = this.#check(inputs);
    const { guard, queue } = this.#runtime;
    const pinned = arrays.map((array) => array.pin());
    const relaid = arrays.map((array, i) => (this.#lies(array, this.#signature.inputs[i]!) ? undefined : this.#relay(array, this.#signature.inputs[i]!)));
    // Where one fails, the run does, but only when its turn comes.
    for (const copy of relaid) copy?.catch(() => undefined);
    arrays.forEach((array, i) => {
      if (this.#donated.has(i)) array.dispose();
    });
    this.#running++;
    try {
      return await guard(queue.add(() => this.#start(pinned, relaid)));
    } finally {
      for (const array of arrays) array.unpin();
      this.#running--;
      this.#freeIfUnused();
    }
  }

  #check(inputs: readonly DeviceArray[]): XlaArray[] {
    const expected = this.#signature.inputs;
    if (inputs.length !== expected.length) {
      throw new EngineError(`the graph has ${expected.length} inputs and ${inputs.length} arrays were passed.`);
    }
    const seen = new Map<DeviceArray, number>();
    return inputs.map((array, i) => {
      const { shape, dtype } = expected[i]!;
      if (!(array instanceof XlaArray) || array.runtime !== this.#runtime) {
        throw new EngineError(`input ${i} is not an array of this engine; read its data() and put() that here.`);
      }
      if (array.dtype !== dtype || array.shape.length !== shape.length || array.shape.some((d, axis) => d !== shape[axis])) {
        throw new EngineError(
          `input ${i} is ${array.dtype} (${array.shape.join(', ')}), the graph was compiled for ${dtype} (${shape.join(', ')}).`,
        );
      }
      const other = seen.get(array);
      if (other !== undefined && (this.#donated.has(i) || this.#donated.has(other))) {
        throw new EngineError(`inputs ${other} and ${i} are the same array and one of them is donated; put a copy for one of them.`);
      }
      seen.set(array, i);
      void array.buffers;
      return array;
    });
  }

  #lies(array: XlaArray, { sharding = replicated }: ArraySpec): boolean {
    const { placement } = this.#runtime;
    return placement.key(array.sharding ?? replicated) === placement.key(sharding);
  }

  /** A copy that lies as it is wanted, by way of the host. */
  async #relay(array: XlaArray, { sharding = replicated }: ArraySpec): Promise<XlaArray> {
    return putArray(this.#runtime, await array.data(), array.shape, array.dtype, sharding, true);
  }

  async #start(
    pinned: readonly (readonly bigint[])[],
    relaid: readonly (Promise<XlaArray> | undefined)[],
  ): Promise<{ outputs: XlaArray[]; done: Promise<void> }> {
    try {
      const copies = await Promise.all(relaid);
      const buffers = pinned.map((list, i) => copies[i]?.buffers ?? list);
      const { outputs, done } = await this.#loaded.execute(this.#order.map((local) => buffers.map((list) => list[local]!)));
      return {
        done,
        outputs: this.#signature.outputs.map(({ shape, dtype, sharding = replicated }, i) => {
          const list = new Array<bigint>(this.#order.length);
          this.#order.forEach((local, device) => (list[local] = outputs[device]![i]!));
          return new XlaArray(this.#runtime, list, shape, dtype, sharding);
        }),
      };
    } finally {
      for (const copy of relaid) void copy?.then((array) => array.dispose(), () => undefined);
    }
  }

  #freeIfUnused(): void {
    if (!this.#disposed || this.#running > 0 || !this.#runtime.executables.delete(this)) return;
    this.#loaded.dispose();
  }
}
