import { aggregateProfile, nodeFlops, type DeviceArray, type Executable, type Graph, type MemoryReport, type ProfileEntry } from '@dinov2/jit';
import { HeapArray } from './device-array';
import { sizeOf } from './element-type';
import { EngineError } from './errors';
import type { Block } from './heap';
import type { Handle } from './onnx-runtime';
import type { Plan, Place } from './plan/plan';
import { resolve, tensorBytes, touched, type OrtStep, type SimdStep, type Step, type Storage, type Tensor } from './program';
import { runSimd } from './run-simd';
import type { Runtime } from './runtime';
import type { Session } from './sessions';
import type { StepSessions } from './step-sessions';

/** Longest time in milliseconds that a run keeps timers and sockets of the process waiting, plus one kernel. */
const longestSlice = 20;

const yieldToEvents = () => new Promise<void>((done) => setImmediate(done));

interface OrtCall {
  readonly session: Session;
  readonly inputs: BigUint64Array;
  readonly outputs: BigUint64Array;
}

/** Address of a tensor: an offset in a heap. */
export interface Location {
  readonly block: Block;
  readonly offset: number;
}

export class HeapExecutable implements Executable {
  readonly memory: MemoryReport;
  readonly #graph: Graph;
  readonly #plan: Plan;
  readonly #runtime: Runtime;
  readonly #donated: ReadonlySet<number>;
  readonly #constants: ReadonlyMap<Storage, Block>;
  readonly #sessions: StepSessions;
  /** ONNX steps once their tensors are bound. */
  readonly #calls: (OrtCall | undefined)[];
  /** Steps by the outermost storage they touch. */
  readonly #users = new Map<Storage, number[]>();
  /** Where each outermost storage lay at the last run. */
  readonly #bases = new Map<Storage, Location>();
  #disposed = false;

  constructor(
    graph: Graph,
    plan: Plan,
    constants: ReadonlyMap<Storage, Block>,
    sessions: StepSessions,
    donated: ReadonlySet<number>,
    runtime: Runtime,
  ) {
    this.#graph = graph;
    this.#plan = plan;
    this.#runtime = runtime;
    this.#donated = donated;
    this.#constants = constants;
    this.#sessions = sessions;
    this.#calls = plan.steps.map(() => undefined);
    plan.steps.forEach((step, index) => {
      for (const { storage } of touched(step)) {
        const { root } = resolve(storage);
        const users = this.#users.get(root);
        if (!users) this.#users.set(root, [index]);
        else if (users.at(-1) !== index) users.push(index);
      }
    });
    const total = (sizes: Iterable<number>) => [...sizes].reduce((sum, bytes) => sum + bytes, 0);
    this.memory = {
      temporary: total(plan.arena) + total([...constants.values()].map(({ bytes }) => bytes)) + sessions.bytes,
      inputs: total(graph.inputs.map(({ shape, dtype }) => sizeOf(shape) * (dtype === 'bool' ? 1 : 4))),
      outputs: total(plan.slots),
    };
  }

  async run(inputs: readonly DeviceArray[]): Promise<DeviceArray[]> {
    return this.#enqueue(inputs, (steps) => this.#runSteps(steps));
  }

  async profile(inputs: readonly DeviceArray[]): Promise<{ outputs: DeviceArray[]; entries: ProfileEntry[] }> {
    const entries: ProfileEntry[] = [];
    const outputs = await this.#enqueue(inputs, async (steps) => {
      const counted = new Set();
      for (let i = 0; i < steps.length; i++) {
        const step = steps[i];
        const start = performance.now();
        this.#runStep(i);
        const milliseconds = performance.now() - start;
        entries.push({
          op: step.node?.op ?? 'Copy',
          kernel: kernelName(step),
          scope: step.node?.scope ?? '',
          calls: 1,
          milliseconds,
          // The work of a node of several steps is booked on its first one.
          flops: step.node && !counted.has(step.node) ? nodeFlops(step.node) : 0,
        });
        counted.add(step.node);
        if (i % 64 === 0) await yieldToEvents();
      }
    });
    return { outputs, entries: aggregateProfile(entries) };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    void this.#runtime.queue.add(async () => {
      for (const call of this.#calls) if (call) this.#release(call);
      this.#sessions.dispose();
      for (const block of this.#constants.values()) this.#runtime.heaps.free(block);
    });
  }

  /** Check and pin the arguments at once, and run when the runs before have ended. */
  async #enqueue(inputs: readonly DeviceArray[], runSteps: (steps: readonly Step[]) => Promise<void>): Promise<DeviceArray[]> {
    if (this.#disposed) throw new EngineError('the executable was disposed; compile the graph again.');
    const arrays = this.#check(inputs);
    const blocks = arrays.map((array, i) => (this.#donated.has(i) ? array.take() : array.pin()));
    try {
      return await this.#runtime.queue.add(() => this.#execute(blocks, runSteps));
    } finally {
      arrays.forEach((array, i) => {
        if (!this.#donated.has(i)) array.unpin();
      });
    }
  }

  #check(inputs: readonly DeviceArray[]): HeapArray[] {
    const expected = this.#graph.inputs;
    if (inputs.length !== expected.length) {
      throw new EngineError(`the graph has ${expected.length} inputs and ${inputs.length} arrays were passed.`);
    }
    const seen = new Map<DeviceArray, number>();
    return inputs.map((array, i) => {
      const { shape, dtype } = expected[i];
      if (!(array instanceof HeapArray) || array.heaps !== this.#runtime.heaps) {
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
      void array.block;
      return array;
    });
  }

  async #execute(inputs: readonly Block[], runSteps: (steps: readonly Step[]) => Promise<void>): Promise<DeviceArray[]> {
    const { heaps } = this.#runtime;
    const slots: Block[] = [];
    try {
      for (const bytes of this.#plan.slots) slots.push(heaps.allocate(bytes));
      this.#bind(inputs, slots, this.#runtime.memory.arena(this.#plan.arena));
      await runSteps(this.#plan.steps);
    } catch (error) {
      for (const slot of slots) heaps.free(slot);
      for (const index of this.#donated) heaps.free(inputs[index]);
      throw error;
    }
    const kept = new Set<number>();
    const outputs = this.#graph.outputs.map(({ shape, dtype }, i) => {
      const result = this.#plan.results[i];
      if (result.kind === 'input') kept.add(result.index);
      const block = result.kind === 'input' ? inputs[result.index] : slots[result.slot];
      return new HeapArray(heaps, block, shape, dtype);
    });
    for (const index of this.#donated) if (!kept.has(index)) heaps.free(inputs[index]);
    return outputs;
  }

  async #runSteps(steps: readonly Step[]): Promise<void> {
    let sliceEnd = performance.now() + longestSlice;
    for (let i = 0; i < steps.length; i++) {
      this.#runStep(i);
      if (performance.now() > sliceEnd) {
        await yieldToEvents();
        sliceEnd = performance.now() + longestSlice;
      }
    }
  }

  #runStep(index: number): void {
    const step = this.#plan.steps[index];
    try {
      if (step.kind === 'ort') this.#runOrt(step, index);
      else if (step.kind === 'simd') this.#runSimd(step);
      else this.#copy(step.inputs[0] as Tensor, step.outputs[0]);
    } catch (cause) {
      const { node } = step;
      const place = node ? `${node.op}${node.scope ? ` in ${node.scope}` : ''}${node.source ? ` at ${node.source}` : ''}` : 'a copy';
      const shapes = step.inputs.map((tensor) => (tensor ? `${tensor.type} (${tensor.shape.join(', ')})` : 'none')).join(', ');
      throw new EngineError(
        `${kernelName(step)} of ${place} failed on ${shapes}; donated inputs of this run are lost. ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  #runOrt(step: OrtStep, index: number): void {
    const { runtime } = this.#runtime;
    const call = (this.#calls[index] ??= this.#bindOrt(step, this.#sessions.get(index)));
    runtime.run(call.session.handle, call.session.inputNames, call.inputs, call.session.outputNames, call.outputs);
  }

  #runSimd({ kernel, call, inputs, outputs, scratch }: SimdStep): void {
    const locate = (tensor: Tensor | null) => this.#locate(tensor as Tensor);
    runSimd(kernel, call, inputs.map(locate), outputs.map(locate), scratch ? this.#locate(scratch) : undefined);
  }

  #copy(from: Tensor, to: Tensor): void {
    const source = this.#locate(from);
    const target = this.#locate(to);
    const bytes = tensorBytes(from);
    target.block.heap.bytes.set(source.block.heap.bytes.subarray(source.offset, source.offset + bytes), target.offset);
  }

  /** Note where the storages lie now; calls that were bound to other places are bound again when they run. */
  #bind(inputs: readonly Block[], slots: readonly Block[], arena: readonly Block[]): void {
    const baseOf = (place: Place, storage: Storage): Location => {
      switch (place.kind) {
        case 'arena':
          return { block: arena[place.bin], offset: arena[place.bin].offset + place.offset };
        case 'input':
          return { block: inputs[place.index], offset: inputs[place.index].offset };
        case 'output':
          return { block: slots[place.slot], offset: slots[place.slot].offset };
        case 'constant': {
          const block = this.#constants.get(storage) as Block;
          return { block, offset: block.offset };
        }
      }
    };
    for (const [storage, place] of this.#plan.places) {
      const base = baseOf(place, storage);
      const before = this.#bases.get(storage);
      if (before && before.block.heap === base.block.heap && before.offset === base.offset) continue;
      this.#bases.set(storage, base);
      for (const index of this.#users.get(storage) ?? []) {
        const call = this.#calls[index];
        if (call) this.#release(call);
        this.#calls[index] = undefined;
      }
    }
  }

  #locate(tensor: Tensor): Location {
    const { root, offset } = resolve(tensor.storage, tensor.offset);
    const base = this.#bases.get(root) as Location;
    return { block: base.block, offset: base.offset + offset };
  }

  #bindOrt({ inputs, outputs }: OrtStep, session: Session): OrtCall {
    const bind = (tensor: Tensor): Handle => {
      const { block, offset } = this.#locate(tensor);
      const address = block.heap.address + BigInt(offset);
      return this.#runtime.runtime.createTensor(address, tensorBytes(tensor), tensor.shape, tensor.type);
    };
    return {
      session,
      inputs: BigUint64Array.from(inputs.filter((tensor) => tensor !== null), bind),
      outputs: BigUint64Array.from(outputs, bind),
    };
  }

  #release({ inputs, outputs }: OrtCall): void {
    for (const handle of inputs) this.#runtime.runtime.releaseTensor(handle);
    for (const handle of outputs) this.#runtime.runtime.releaseTensor(handle);
  }
}

function kernelName(step: Step): string {
  if (step.kind === 'ort') return `ort:${step.operator.type}`;
  return step.kind === 'simd' ? `wasm:${step.kernel.name}` : 'copy';
}
