import type { DeviceArray, Executable, Graph, MemoryReport, ProfileEntry } from '@dinov2/jit';
import { nodeFlops } from '@dinov2/jit';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { Tensor } from './builder';
import { TensorflowArray } from './device-array';
import { bytesOf } from './element-type';
import { EngineError } from './errors';
import type { Input, Layout, Program, Variable } from './program';
import type { Runtime } from './runtime';
import type { Session } from './session';
import { Storage, type Home } from './storage';

/** A variable and the array whose value it holds. */
class Slot implements Home {
  readonly variable: Variable;
  readonly #readGroup: (slot: Slot) => Promise<void>;
  holder: Storage | undefined;

  constructor(variable: Variable, readGroup: (slot: Slot) => Promise<void>) {
    this.variable = variable;
    this.#readGroup = readGroup;
  }

  read(): Promise<void> {
    return this.#readGroup(this);
  }

  forget(storage: Storage): void {
    if (this.holder === storage) this.holder = undefined;
  }

  hold(storage: Storage): void {
    this.holder?.homes.delete(this);
    this.holder = storage;
    storage.homes.add(this);
  }
}

/**
 * A graph in its session.
 *
 * Arrays that replace donated ones stay in the session's variables. They are copied to the host when
 * somebody reads them or gives them to another executable, many at a time.
 */
export class TensorflowExecutable implements Executable {
  readonly memory: MemoryReport;
  readonly #graph: Graph;
  readonly #layout: Layout;
  readonly #session: Session;
  readonly #runtime: Runtime;
  readonly #slots: readonly Slot[];
  readonly #donated: ReadonlySet<number>;
  /** What was fed for each input at the call before. */
  readonly #previous: (WeakRef<Storage> | undefined)[] = [];
  readonly #onUnload: (executable: TensorflowExecutable) => void;
  #disposed = false;
  #unloaded: Promise<void> | undefined;

  constructor(graph: Graph, layout: Layout, session: Session, memory: MemoryReport, runtime: Runtime, onUnload: (executable: TensorflowExecutable) => void) {
    this.#graph = graph;
    this.#layout = layout;
    this.#onUnload = onUnload;
    this.#session = session;
    this.#runtime = runtime;
    this.memory = memory;
    this.#slots = layout.variables.map((variable) => new Slot(variable, (slot) => this.#readGroup(slot)));
    this.#donated = new Set(layout.inputs.flatMap((input, i) => (input.kind === 'variable' ? [i] : [])));
  }

  /** Put the large constants into their variables. */
  async initialize(constants: Program['constants']): Promise<void> {
    if (constants.length === 0) return;
    const storages = constants.map(({ variable, data }) => {
      const { shape, type } = this.#layout.variables[variable].value;
      const storage = new Storage(this.#runtime, shape, type as 'float32', data);
      return { slot: this.#slots[variable], storage };
    });
    await this.#assign(new Map(storages.map(({ slot, storage }) => [slot, storage])));
    // A slot whose holder is released keeps its value: nothing else is assigned to a constant.
    for (const { storage } of storages) storage.release();
  }

  run(inputs: readonly DeviceArray[]): Promise<DeviceArray[]> {
    let storages: Storage[];
    try {
      storages = this.#accept(inputs);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.#runtime.queue.add(() => this.#run(storages)).finally(() => storages.forEach((storage) => storage.release()));
  }

  async profile(inputs: readonly DeviceArray[]): Promise<{ outputs: DeviceArray[]; entries: ProfileEntry[] }> {
    await this.#runtime.queue.idle();
    const start = performance.now();
    const outputs = await this.run(inputs);
    const milliseconds = performance.now() - start;
    const flops = this.#graph.nodes.reduce((sum, node) => sum + nodeFlops(node), 0);
    return { outputs, entries: [{ op: '(whole graph)', kernel: 'tensorflow:session', scope: '', calls: 1, milliseconds, flops }] };
  }

  dispose(): void {
    void this.unload();
  }

  /** Free the session; arrays in its variables move to the host first. */
  unload(): Promise<void> {
    this.#disposed = true;
    this.#unloaded ??= this.#runtime.queue.add(async () => {
      for (const slot of this.#slots) {
        if (slot.holder?.isLive) await slot.holder.bringHome();
        slot.holder?.homes.delete(slot);
        slot.holder = undefined;
      }
      await this.#session.unload();
      this.#onUnload(this);
    });
    return this.#unloaded;
  }

  /** Check the arrays and take hold of their values. */
  #accept(inputs: readonly DeviceArray[]): Storage[] {
    if (this.#disposed) throw new EngineError('the executable was disposed; compile the graph again.');
    const { inputs: values } = this.#graph;
    if (inputs.length !== values.length) {
      throw new EngineError(`the graph has ${values.length} inputs and ${inputs.length} arrays were given.`);
    }
    const arrays = inputs.map((array, i) => {
      if (!(array instanceof TensorflowArray) || array.runtime !== this.#runtime) {
        throw new EngineError(`input ${i} is not an array of this engine; use engine.put().`);
      }
      const { shape, dtype } = values[i];
      if (array.dtype !== dtype || array.shape.join() !== shape.join()) {
        throw new EngineError(
          `input ${i} is ${array.dtype} (${array.shape.join(', ')}), the graph was compiled for ${dtype} (${shape.join(', ')}).`,
        );
      }
      void array.storage;
      return array;
    });
    return arrays.map((array, i) => (this.#donated.has(i) ? array.take() : array.storage.retain()));
  }

  async #run(storages: readonly Storage[]): Promise<DeviceArray[]> {
    const { inputs, outputs, done } = this.#layout;
    const changed = new Map<Slot, Storage>();
    const fed = new Set<number>();
    inputs.forEach((input, i) => {
      if (this.#isFed(input, i, storages[i])) fed.add(i);
      else if (input.kind !== 'fed') {
        const slot = this.#slots[input.variable];
        if (slot.holder !== storages[i]) changed.set(slot, storages[i]);
      }
      this.#previous[i] = new WeakRef(storages[i]);
    });
    await this.#assign(changed);

    const feeds: Tensor[] = [];
    const tensors: TfTensor[] = [];
    for (const i of fed) {
      feeds.push((inputs[i] as Input & { feed: Tensor }).feed);
      tensors.push(await storages[i].tensor());
    }
    const fetched = outputs.flatMap((output) => (output.kind === 'fetched' ? [output.value] : []));
    const either = inputs.flatMap((input, i) => (input.kind === 'either' && fed.has(i) ? [i] : []));
    const results = await this.#predict(`run${either.map((i) => `.${i}`).join('')}`, feeds, tensors, [done, ...fetched]);
    results.shift()?.dispose();
    return outputs.map((output, i) => {
      const { shape, dtype } = this.#graph.outputs[i];
      if (output.kind === 'fetched') return new TensorflowArray(new Storage(this.#runtime, shape, dtype, results.shift() as TfTensor));
      const storage = new Storage(this.#runtime, shape, dtype);
      this.#slots[output.variable].hold(storage);
      return new TensorflowArray(storage);
    });
  }

  /** An array that comes a second time in a row is worth a variable; a fresh one is not. */
  #isFed(input: Input, i: number, storage: Storage): boolean {
    if (input.kind === 'fed') return true;
    if (input.kind === 'variable') return false;
    return this.#slots[input.variable].holder !== storage && this.#previous[i]?.deref() !== storage;
  }

  async #predict(name: string, feeds: readonly Tensor[], tensors: readonly TfTensor[], fetches: readonly Tensor[]): Promise<TfTensor[]> {
    try {
      return (await this.#session.run(name, feeds, tensors, fetches)).map((tensor) => this.#runtime.tf.keep(tensor));
    } catch (error) {
      throw new EngineError(`TensorFlow could not run the graph: ${(error as Error).message}`);
    }
  }

  /** Give slots new values. Values that would be lost and are still wanted move to the host. */
  async #assign(changed: ReadonlyMap<Slot, Storage>): Promise<void> {
    for (const group of new Set([...changed.keys()].map(({ variable }) => variable.group))) {
      const members = group.members.map((index) => this.#slots[index]);
      const given = new Map<Slot, Storage>();
      for (const slot of members) {
        const { holder } = slot;
        if (holder?.isLive) await holder.bringHome();
        const storage = changed.get(slot) ?? holder;
        if (storage) given.set(slot, storage);
      }
      // Members without a value get zeros: a group is assigned as a whole.
      const tensors: TfTensor[] = [];
      const temporary: TfTensor[] = [];
      for (const slot of members) {
        const storage = given.get(slot);
        tensors.push(storage ? await storage.tensor() : this.#zeros(slot, temporary));
      }
      const results = await this.#predict(`assign${group.members[0]}`, members.map(({ variable }) => variable.feed), tensors, [group.assigned]);
      [...results, ...temporary].forEach((tensor) => tensor.dispose());
      for (const [slot, storage] of given) {
        slot.hold(storage);
        storage.dropHost();
      }
    }
  }

  #zeros({ variable }: Slot, temporary: TfTensor[]): TfTensor {
    const { tf } = this.#runtime;
    const { shape, type } = variable.feed;
    const tensor = tf.keep(tf.tensor(new Float32Array(bytesOf(shape, 'float32') / 4), [...shape], type as 'float32'));
    temporary.push(tensor);
    return tensor;
  }

  /** Fetch all variables of a group whose arrays have no copy in host memory. */
  async #readGroup({ variable: { group } }: Slot): Promise<void> {
    const members = group.members.map((index) => this.#slots[index]);
    const results = await this.#predict(`read${group.members[0]}`, [], [], members.map(({ variable }) => variable.value));
    members.forEach((slot, i) => {
      if (slot.holder?.isLive && !slot.holder.hasHost) slot.holder.setHost(results[i]);
      else results[i].dispose();
    });
  }
}

